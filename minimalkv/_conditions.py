"""The two conditions of a write, judged where the backend does not do it itself."""

from minimalkv._errors import KeyExists, PreconditionFailed


def check_condition(
    key: str, current: str | None, *, if_absent: bool = False, if_match: str | None
) -> None:
    """Raise unless a value whose version is *current* (None: no value) may be replaced.

    Raises
    ------
    KeyExists
        If *if_absent* and there is a value.
    PreconditionFailed
        If *if_match* and the version is another, or there is no value.
    """
    if if_absent and current is not None:
        raise exists(key)
    if if_match is not None and current != if_match:
        raise changed(key)


def changed(key: str) -> PreconditionFailed:
    """Make the error that says that somebody else was first."""
    return PreconditionFailed(
        f"The value of {key!r} was replaced or deleted since it was read. "
        "Read it again and decide anew, as update() does."
    )


def exists(key: str) -> KeyExists:
    """Make the error that says that there is a value already."""
    return KeyExists(f"{key!r} has a value already; it was left as it is.")
