"""What the server, requests and google-auth say, as the errors of this package."""

import json
import re
from typing import Final, NamedTuple

from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TransportError,
)
from requests.exceptions import (
    ConnectionError as RequestsConnectionError,
)
from requests.exceptions import (
    ConnectTimeout,
    ProxyError,
    ReadTimeout,
    RequestException,
    SSLError,
)
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from minimalkv._conditions import changed, exists
from minimalkv._errors import (
    AccessDenied,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
)

_PERMISSION: Final = re.compile(r"\bstorage\.[a-z]+\.[A-Za-z]+\b")
_READING: Final = (
    "storage.objects.get, and storage.objects.list to be told what is missing"
)
_WRITING: Final = (
    "storage.objects.create, and storage.objects.delete to replace a value"
)
_PERMISSIONS: Final = {
    "read": _READING,
    "describe": _READING,
    "list": "storage.objects.list",
    "delete": "storage.objects.delete",
    "copy": f"storage.objects.get and {_WRITING}",
    "create the bucket": "storage.buckets.create",
    "look for the bucket": "storage.buckets.get",
}
_READS: Final = frozenset(("read", "describe", "list", "look for the bucket"))
_BUSY: Final = frozenset((408, 429, 500, 502, 503, 504))
_RATE_LIMIT: Final = 429
_SHOWN: Final = 300

NO_BUCKET: Final = "The specified bucket does not exist."
"""What the server says then; emulators say something else, or nothing."""


class Refused(Exception):
    """An answer of the server other than the one that was hoped for.

    Parameters
    ----------
    status : int
        The status of HTTP.
    message : str
        What the server says about it; empty if it says nothing.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


class Broken(Exception):
    """An answer of which a part is missing, or that is not what was sent."""


FAILURES: Final = (Refused, Broken, RequestException, HTTPError, GoogleAuthError)
"""Everything that sending a request, or reading its answer, raises on purpose."""


class OutOfRange(StoreError):
    """The value has no byte where one was asked for."""


class Asked(NamedTuple):
    """A request, as far as its errors tell about it.

    Attributes
    ----------
    action : str
        What it was about to do.
    condition : str
        ``absent`` or ``match`` for one with a condition, else empty.
    """

    action: str
    bucket: str
    server: str
    key: str | None = None
    condition: str = ""

    @property
    def subject(self) -> str:
        """What it was about, for a message."""
        bucket = f"the bucket {self.bucket!r}"
        return bucket if self.key is None else f"{self.key!r} in {bucket}"


def message_in(body: bytes) -> str:
    """Return what the body of an error says: JSON, or text where a value was asked."""
    text = body.decode("utf-8", "replace").strip()
    try:
        message = json.loads(text)["error"]["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        message = text
    return str(message)[:_SHOWN]


def lacks_bucket(error: Refused, action: str) -> bool:
    """Tell whether it is the bucket that is missing, as far as the server says."""
    return action in ("write", "list") or error.message == NO_BUCKET


def is_unclear(error: Refused) -> bool:
    """Tell whether the server leaves open what is missing, as emulators do."""
    return bool(error.message) and "no such object" not in error.message.lower()


def may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    if isinstance(error, Refused):
        return error.status in _BUSY or _is_damaged(error)
    if isinstance(error, GoogleAuthError):
        return _is_outage(error)
    return not isinstance(error, SSLError)


def was_not_done(error: Exception) -> bool:
    """Tell whether a write cannot have happened, so that it may be sent again."""
    if isinstance(error, Refused):
        return error.status == _RATE_LIMIT or _is_damaged(error)
    return _was_not_sent(error)


def _is_damaged(error: Refused) -> bool:
    # The server compares what arrived with the checksum that came with it.
    return error.status == 400 and "crc32c" in error.message.lower()


def _is_outage(error: GoogleAuthError) -> bool:
    # Google's library repeats what it calls retryable, and then gives up.
    return isinstance(error, TransportError) or bool(error.retryable)


def _was_not_sent(error: Exception) -> bool:
    if isinstance(error, GoogleAuthError):
        return _is_outage(error)
    if isinstance(error, ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(error, RequestsConnectionError) and isinstance(
        getattr(cause, "reason", None), NewConnectionError
    )


def translate(error: Exception, asked: Asked) -> MinimalkvError:
    """Make our error out of one of `FAILURES`."""
    if isinstance(error, Refused):
        return _answered(error, asked)
    if isinstance(error, GoogleAuthError):
        return _unauthorized(error, asked)
    return _unreachable(error, asked)


def _unauthorized(error: GoogleAuthError, asked: Asked) -> MinimalkvError:
    kind = type(error).__name__
    if _is_outage(error):
        return StoreUnavailable(
            f"The server that gives out tokens cannot be reached, or fails: "
            f"{asked.subject} ({kind}).{outcome(asked, sent=False)}"
        )
    if isinstance(error, RefreshError):
        return AccessDenied(
            f"There is no token for {asked.subject}: the credentials are refused. Is "
            f"the account, or its key, deleted or disabled, or the clock of this "
            f"machine wrong? ({error.args[0] if error.args else kind})"
        )
    if isinstance(error, DefaultCredentialsError):
        return AccessDenied(f"There are no credentials for {asked.subject}: {error}")
    return AccessDenied(f"The credentials for {asked.subject} are unusable: {error}")


def _unreachable(error: Exception, asked: Asked) -> StoreUnavailable:
    if isinstance(error, ReadTimeout | ReadTimeoutError):
        reason = "did not answer in time"
    elif isinstance(error, SSLError):
        reason = "has no certificate that this machine trusts, or speaks no TLS"
    elif isinstance(error, ProxyError):
        reason = "cannot be reached through the proxy that the environment names"
    elif _was_not_sent(error):
        reason = "cannot be reached"
    else:
        reason = "broke off the connection, or its answer"
    return StoreUnavailable(
        f"{asked.server} {reason}: {asked.subject} ({type(error).__name__})."
        f"{outcome(asked, sent=not _was_not_sent(error))}"
    )


def outcome(asked: Asked, *, sent: bool = True) -> str:
    """Say what is known about a write that went wrong."""
    if asked.action in _READS:
        return ""
    return " It may have happened." if sent else " Nothing was written."


def _answered(error: Refused, asked: Asked) -> MinimalkvError:
    status = error.status
    if asked.action == "upload" and status in (404, 410):
        return StoreUnavailable(
            f"The upload of {asked.subject} is not there any more: it is too old, or "
            "an earlier answer was lost. It may have happened."
        )
    if status == 412:
        return _lost(asked)
    if status == 416:
        return OutOfRange(f"{asked.subject} is shorter than the range asked for.")
    if status == 404:
        return _missing(error, asked)
    if status in (401, 403):
        return _denied(error, asked)
    if status == _RATE_LIMIT:
        return StoreUnavailable(
            f"{asked.server} asks for fewer requests: {asked.subject}. It lets one "
            f"value be replaced about once a second.{outcome(asked, sent=False)}"
        )
    if may_pass(error):
        return StoreUnavailable(
            f"{asked.server} is overloaded or failed: {asked.subject} ({error})."
            f"{outcome(asked)}"
        )
    return _rejected(error, asked)


def _lost(asked: Asked) -> MinimalkvError:
    key = asked.key or ""
    return exists(key) if asked.condition == "absent" else changed(key)


def _missing(error: Refused, asked: Asked) -> MinimalkvError:
    if lacks_bucket(error, asked.action):
        return StoreError(
            f"The bucket {asked.bucket!r} does not exist at {asked.server}. Create it, "
            "or let create_if_missing be true."
        )
    if asked.key is None:
        return _rejected(error, asked)
    if not error.message:
        # Cut short, it says neither that the key is missing nor that the bucket is.
        return StoreUnavailable(
            f"{asked.server} answered 404 without saying what is missing: "
            f"{asked.subject}.{outcome(asked)}"
        )
    return changed(asked.key) if asked.condition else KeyNotFound(asked.key)


def _denied(error: Refused, asked: Asked) -> AccessDenied:
    if error.status == 401 and not _PERMISSION.search(error.message):
        return AccessDenied(
            f"{asked.server} refuses the credentials for {asked.subject}: correct them "
            f"({error})."
        )
    told = _PERMISSION.search(error.message)
    needed = told.group() if told else _PERMISSIONS.get(asked.action, _WRITING)
    return AccessDenied(
        f"Access to {asked.subject} was denied: to {asked.action} takes the permission "
        f"{needed} ({error})."
    )


def _rejected(error: Refused, asked: Asked) -> MinimalkvError:
    if asked.action == "create the bucket":
        return StoreError(
            f"The bucket {asked.bucket!r} does not exist, and cannot be created "
            f"({error})."
        )
    return StoreError(
        f"{asked.server} refused to {asked.action}: {asked.subject} ({error})."
    )
