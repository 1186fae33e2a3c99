"""Whose sessions there are: one record for each user."""

import json
import logging
from typing import Final

from minimalkv import _clock
from minimalkv._constants import MAX_KEY
from minimalkv._errors import KeyNotFound, PreconditionFailed, SessionUnavailable
from minimalkv._key_value_store import KeyValueStore
from minimalkv._keys import encode_key
from minimalkv._sessions.records import UNREADABLE
from minimalkv._sessions.shelf import outages, secs_until

_log: Final = logging.getLogger("minimalkv")

USER_PREFIX: Final = "mkv-user-"
"""What the keys of these records begin with; the user's id follows."""

Listed = dict[str, float]


class _Longer(Exception):
    """The list has to live longer than it was going to."""

    def __init__(self, until: float) -> None:
        self.until = until


class Users:
    """The lists of the sessions that were bound to users.

    Parameters
    ----------
    store : KeyValueStore
        The store of the sessions.
    """

    def __init__(self, store: KeyValueStore) -> None:
        self._store = store

    def add(self, user: str, ref: str, until: float) -> None:
        """List a session as that of a user, until a time in seconds since 1970."""
        last = until

        def add(text: bytes | None) -> bytes:
            listed = {**_alive(text), ref: until}
            if max(listed.values()) > last:
                raise _Longer(max(listed.values()))
            return _write(listed)

        while True:
            try:
                with outages:
                    self._store.update(self._key(user), add, secs_until(last))
            except _Longer as longer:
                last = longer.until
            except PreconditionFailed as error:
                raise _too_busy(user) from error
            else:
                return

    def remove(self, user: str, refs: set[str]) -> None:
        """Take sessions out of the list of a user."""

        def remove(text: bytes | None) -> bytes | None:
            left = {k: v for k, v in _alive(text).items() if k not in refs}
            return _write(left) if left else None

        try:
            with outages:
                self._store.update(self._key(user), remove)
        except PreconditionFailed as error:
            raise _too_busy(user) from error

    def refs(self, user: str) -> list[str]:
        """Return the sessions of a user; some may have ended."""
        try:
            with outages:
                text = self._store.get(self._key(user))
        except KeyNotFound:
            return []
        return list(_read(text))

    def _key(self, user: str) -> str:
        longest = min(MAX_KEY, self._store.max_key) - len(USER_PREFIX)
        return USER_PREFIX + encode_key(user, longest)


def _too_busy(user: str) -> SessionUnavailable:
    return SessionUnavailable(
        f"Too many sign in as {user!r} at once, so not all their sessions are listed."
    )


def _write(listed: Listed) -> bytes:
    return json.dumps({"v": 1, "sessions": listed}, separators=(",", ":")).encode()


def _read(text: bytes) -> Listed:
    try:
        listed = json.loads(text)["sessions"]
        return {str(ref): float(until) for ref, until in listed.items()}
    except UNREADABLE:
        _log.warning("The list of a user's sessions is unreadable and counts as empty.")
        return {}


def _alive(text: bytes | None) -> Listed:
    now = _clock.now()
    listed = _read(text) if text else {}
    return {ref: until for ref, until in listed.items() if until > now}
