"""What the operating system says, as the errors of this package."""

import errno
from collections.abc import Callable
from types import TracebackType
from typing import Final

from minimalkv._errors import (
    AccessDenied,
    KeyConflict,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
)

# A planted socket is ENXIO.
_MISSING: Final = {
    errno.ENOENT,
    errno.ENOTDIR,
    errno.ELOOP,
    errno.EISDIR,
    errno.ENXIO,
}
_DENIED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than the limit of this process or disk",
    errno.EMFILE: "this process has too many files open (ulimit -n)",
}


class OsErrors:
    """A ``with`` block in which an OSError of the system is raised as one of ours.

    Parameters
    ----------
    make : callable
        Makes our error out of the system's and of *subject*.
    subject : str
        The key, or the folder, that the error is about.
    """

    __slots__ = ("_make", "_subject")

    def __init__(
        self, make: Callable[[OSError, str], MinimalkvError], subject: str
    ) -> None:
        self._make = make
        self._subject = subject

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError) and not isinstance(error, MinimalkvError):
            raise self._make(error, self._subject) from error


def reading_error(error: OSError, key: str) -> MinimalkvError:
    """Make the error to raise when a value could not be read."""
    if error.errno in _MISSING:
        return KeyNotFound(key)
    if error.errno in _DENIED:
        return _denied(error, f"Reading {key!r} needs read permission on its file and")
    return _failed(error, f"Reading {key!r} failed")


def writing_error(error: OSError, key: str) -> MinimalkvError:
    """Make the error to raise when a value could not be written or deleted."""
    if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENOTEMPTY):
        return conflict(key)
    if error.errno in _DENIED:
        return _denied(error, f"Writing {key!r} needs write permission on its folder,")
    return _failed(error, f"Writing {key!r} failed, the old value is unchanged")


def unknown_error(error: OSError, key: str) -> MinimalkvError:
    """Make the error to raise when a change was made, but perhaps not for good."""
    mapped = StoreUnavailable(
        f"The change of {key!r} was made, but whether it survives a power cut is "
        f"unknown ({error.strerror})."
    )
    mapped.errno = error.errno
    return mapped


def listing_error(error: OSError, root: str) -> MinimalkvError:
    """Make the error to raise when a folder could not be listed."""
    if error.errno in _DENIED:
        return _denied(error, f"Listing {root!r} needs read permission on it and")
    return _failed(error, f"Listing {root!r} failed")


def conflict(key: str) -> KeyConflict:
    """Make the error for a key that needs a folder where a file is, or the reverse."""
    return KeyConflict(
        f"{key!r} cannot be a file here: a folder stands in its place, or a file or a "
        "symbolic link where it needs a folder ('a' beside 'a/b')."
    )


def _denied(error: OSError, sentence: str) -> AccessDenied:
    mapped = AccessDenied(f"{sentence} search permission above ({error.strerror}).")
    mapped.errno = error.errno
    return mapped


def _failed(error: OSError, sentence: str) -> StoreError:
    reason = _FULL.get(error.errno or 0, error.strerror or str(error))
    mapped = StoreError(f"{sentence}: {reason}.")
    mapped.errno = error.errno
    return mapped
