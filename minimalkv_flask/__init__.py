"""Flask sessions in any minimalkv store."""

from minimalkv_flask.sessions import KVSession, KVSessionInterface

__all__ = ["KVSession", "KVSessionInterface"]
