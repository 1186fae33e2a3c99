"""Every error that minimalkv raises; each is also the built-in one that callers catch.

::

    MinimalkvError
    ├── KeyNotFound            KeyError
    ├── InvalidKey             ValueError
    ├── InvalidArgument        ValueError
    ├── InvalidData            TypeError, OSError
    ├── InvalidURL             ValueError
    │   └── UnknownScheme
    ├── Unsupported            NotImplementedError
    │   └── ReadOnlyStore      AttributeError
    ├── MissingExtra           ImportError
    ├── VerificationException
    ├── UploadRefused          ValueError
    │   ├── UploadTooLarge
    │   ├── UploadIncomplete
    │   ├── InvalidToken
    │   └── WrongContentType
    └── StoreError             OSError
        ├── StoreUnavailable
        │   └── SessionUnavailable
        ├── AccessDenied       PermissionError
        ├── KeyConflict
        └── PreconditionFailed
            └── KeyExists      FileExistsError
"""


class MinimalkvError(Exception):
    """The root of all errors of this package."""


class KeyNotFound(MinimalkvError, KeyError):
    """No value is stored under the key; ``args[0]`` is the key."""

    def __str__(self) -> str:
        return f"No value is stored under the key {self.args[0]!r}."


class InvalidKey(MinimalkvError, ValueError):
    """The key cannot name a value in this store; nothing was read or written."""


class InvalidArgument(MinimalkvError, ValueError):
    """Another argument than key and data is unusable; nothing was written."""


class InvalidData(MinimalkvError, TypeError, OSError):
    """The value is not bytes, or not what the operation can work on."""


class InvalidURL(MinimalkvError, ValueError):
    """A store URL or a parameter is wrong; no credential is in the message."""


class UnknownScheme(InvalidURL):
    """No store is registered under the scheme; the message lists those that are."""


class Unsupported(MinimalkvError, NotImplementedError):
    """The store cannot do that, whatever the key; nothing was written."""


class ReadOnlyStore(Unsupported, AttributeError):
    """The store is wrapped to be read only; nothing was written."""


class MissingExtra(MinimalkvError, ImportError):
    """The store needs a package that is not installed; the message has the command."""


class VerificationException(MinimalkvError):
    """A signed value was altered, cut, or written under another key or secret."""


class UploadRefused(MinimalkvError, ValueError):
    """What somebody sent is not taken; nothing of it was stored.

    Attributes
    ----------
    status : int
        The HTTP status that says so, from 400 to 499.
    """

    status = 400


class UploadTooLarge(UploadRefused):
    """It has more bytes, parts or headers than it may have."""

    status = 413


class UploadIncomplete(UploadRefused):
    """It ended before it was complete: the sender has gone, or was cut off."""


class InvalidToken(UploadRefused):
    """What allows an upload was not signed here, was altered, or is too old."""

    status = 403


class WrongContentType(UploadRefused):
    """Its first bytes say that it is of a type that is not wanted."""

    status = 415


class StoreError(MinimalkvError, OSError):
    """The backend failed.

    Attributes
    ----------
    failed_keys : tuple of str
        The keys that an operation on many keys could not do; else empty.
    """

    failed_keys: tuple[str, ...] = ()


class StoreUnavailable(StoreError):
    """The backend did not answer in time; what was sent to it may have happened."""


class SessionUnavailable(StoreUnavailable):
    """The store of the sessions failed: nobody is signed out by that."""


class AccessDenied(StoreError, PermissionError):
    """The backend refused; the message names the permission that is missing."""


class KeyConflict(StoreError):
    """The key cannot stand beside an existing one: in files, ``a`` beside ``a/b``."""


class PreconditionFailed(StoreError):
    """The value is no longer the one that ``if_match`` names; nothing was changed."""


class KeyExists(PreconditionFailed, FileExistsError):
    """``if_absent`` was asked for and a value is stored; it was not changed."""
