"""Writes to Redis that happen only if a value is still the one that was read."""

from minimalkv._conditions import changed
from minimalkv._constants import KEEP
from minimalkv.memory import _redis_wire as wire
from minimalkv.memory._redis_calls import Calls
from minimalkv.memory._redis_errors import NotUnderstood
from minimalkv.memory._redis_many import milliseconds, set_command
from minimalkv.memory._redis_wire import SeenEtag, pack


def replace(
    calls: Calls, key: str, etag: str, data: bytes, ttl_secs: float | str
) -> None:
    """Store a value in place of the one that has the etag.

    Raises
    ------
    PreconditionFailed
        If there is another one, or none.
    """
    if calls.may_compare and isinstance(etag, SeenEtag):
        try:
            _replace_seen(calls, key, etag, data, ttl_secs)
        except NotUnderstood:
            calls.may_compare = False
        else:
            return
    _run(calls, wire.REPLACE, key, etag, data, _life(ttl_secs))


def delete(calls: Calls, key: str, etag: str) -> None:
    """Delete the value that has the etag.

    Raises
    ------
    PreconditionFailed
        If there is another one, or none.
    """
    _run(calls, wire.DELETE, key, etag)


def _replace_seen(
    calls: Calls, key: str, etag: SeenEtag, data: bytes, ttl_secs: float | str
) -> None:
    command = set_command(key, data, ttl_secs, if_absent=False)
    pieces = pack(*command, b"IFEQ", etag.data)
    if not calls.ask(key, pieces, writes=True, once=True):
        raise changed(key)


def _run(
    calls: Calls, script: wire.Script, key: str, etag: str, *arguments: bytes
) -> None:
    if isinstance(etag, SeenEtag):
        etag = wire.etag_of(etag.data)
    given = etag.encode("utf-8", "replace")
    if not calls.run(script, [key], given, *arguments, writes=True, once=True):
        raise changed(key)


def _life(ttl_secs: float | str) -> bytes:
    if not isinstance(ttl_secs, str):
        return milliseconds(ttl_secs)
    return b"KEEPTTL" if ttl_secs == KEEP else b""
