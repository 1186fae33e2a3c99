"""Flask sessions in any minimalkv store."""

from minimalkv_flask.extension import KVSessionExtension, MinimalKV
from minimalkv_flask.sessions import KVSession, KVSessionInterface, SessionUnavailable

__all__ = [
    "KVSession",
    "KVSessionExtension",
    "KVSessionInterface",
    "MinimalKV",
    "SessionUnavailable",
]
