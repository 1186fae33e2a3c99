"""Sessions that another package began, taken over without signing anybody out."""

import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from minimalkv._errors import SessionUnavailable
from minimalkv._sessions.records import Serializer

_log: Final = logging.getLogger("minimalkv")


class Legacy(NamedTuple):
    """A session that another package keeps.

    Attributes
    ----------
    data : dict
        What it holds.
    forget : callable
        Deletes what that package stored, or spends a cookie that is all there is, so
        that it is taken over once. It is called once the data is stored here.
    """

    data: dict[str, Any]
    forget: Callable[[], object]


def read_legacy(
    legacy: Callable[[], Legacy | None], serializer: Serializer
) -> tuple[bytes, Legacy] | None:
    """Return what another package keeps, also as we store it; None if it has nothing.

    Raises
    ------
    SessionUnavailable
        If that could not be found out.
    """
    try:
        found = legacy()
    except Exception as error:
        raise SessionUnavailable(f"No session can be taken over: {error}") from error
    if found is None:
        return None
    try:
        return serializer.dumps(found.data), found
    except (TypeError, ValueError) as error:
        _log.warning("A session is not taken over: %s", error)
        return None


def forget_legacy(found: Legacy) -> None:
    """Delete what another package keeps; it may fail, for it is not read again."""
    try:
        found.forget()
    except Exception as error:  # noqa: BLE001 - whatever a foreign store raises
        kind = type(error).__name__
        _log.warning("An old session was taken over and not deleted: %s", kind)
    else:
        _log.info("A session of another package was taken over.")
