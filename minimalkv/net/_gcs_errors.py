"""What the server, requests and google-auth say, as the errors of this package."""

import json
import re
from typing import Final, NoReturn, TypeAlias

from google.auth.exceptions import (
    DefaultCredentialsError,
    GoogleAuthError,
    RefreshError,
    TransportError,
)
from requests.exceptions import ProxyError, ReadTimeout, RequestException
from urllib3.exceptions import HTTPError, ReadTimeoutError

from minimalkv._errors import (
    AccessDenied,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
)
from minimalkv.net import _asked
from minimalkv.net._asked import BUSY_STATUS, Broken
from minimalkv.net._causes import distrusts, root_of, was_sent
from minimalkv.net._gcs_tokens import Unanswered

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
    "sign a URL for": (
        "iam.serviceAccounts.signBlob (the role Service Account Token Creator)"
    ),
}
INSIDE: Final = frozenset(("read", "describe", "list", "write", "delete", "copy"))
"""The actions that take a bucket which is there."""

_READS: Final = frozenset(
    ("read", "describe", "list", "look for the bucket", "sign a URL for")
)
_RATE_LIMIT: Final = 429
_SHOWN: Final = 300
_HINT: Final = 80

NO_BUCKET: Final = "The specified bucket does not exist."
NO_OBJECT: Final = "No such object"
"""What Google says of what is missing; any other 404 is somebody else's."""


class Refused(Exception):
    """An answer of the server other than the one that was hoped for.

    Parameters
    ----------
    status : int
        The status of HTTP.
    message : str
        What the server says about it; empty if it says nothing.
    retry_after : str or None
        When to ask again, in the words of HTTP.
    """

    def __init__(
        self, status: int, message: str, retry_after: str | None = None
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.retry_after = retry_after


class NotTaken(Broken):
    """An answer which says that nothing was stored of what was sent."""


FAILURES: Final = (Refused, Broken, RequestException, HTTPError, GoogleAuthError)
"""Everything that sending a request, or reading its answer, raises on purpose."""


Asked: TypeAlias = _asked.Asked[str]


def asked_of(
    action: str, bucket: str, server: str, key: str | None, condition: str
) -> Asked:
    """Return what the errors of a request tell about it."""
    place = f"bucket {bucket!r}"
    return _asked.Asked(action, place, server, key, condition, action not in _READS)


def message_in(body: bytes) -> str:
    """Return what the body of an error says: JSON, or text where a value was asked."""
    text = body.decode("utf-8", "replace").strip()
    try:
        message = json.loads(text)["error"]["message"]
    except (ValueError, LookupError, TypeError, RecursionError):
        message = text
    return str(message)[:_SHOWN]


def lacks_bucket(error: Refused) -> bool:
    """Tell whether the server says that the bucket is missing."""
    return error.status == 404 and error.message == NO_BUCKET


def lacks_object(error: Refused) -> bool:
    """Tell whether the server says that there is no such object."""
    return error.status == 404 and error.message.startswith(NO_OBJECT)


def may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    if isinstance(error, Refused):
        return error.status in BUSY_STATUS or _is_damaged(error)
    if isinstance(error, GoogleAuthError):
        return _is_outage(error)
    return not distrusts(error)


def was_not_done(error: Exception) -> bool:
    """Tell whether a write cannot have happened, so that it may be sent again."""
    if isinstance(error, Refused):
        return error.status == _RATE_LIMIT or _is_damaged(error)
    if isinstance(error, GoogleAuthError):
        return _is_outage(error)
    return isinstance(error, NotTaken) or not was_sent(error)


def _is_damaged(error: Refused) -> bool:
    # The server compares what arrived with the checksum that came with it.
    return error.status == 400 and "crc32c" in error.message.lower()


def _is_outage(error: GoogleAuthError) -> bool:
    # Google's library repeats what it calls retryable, and then gives up.
    return isinstance(error, Unanswered | TransportError) or bool(error.retryable)


def fail(asked: Asked, error: Exception) -> NoReturn:
    """Raise our error for one of `FAILURES`."""
    # Whoever knows the address of an upload may write to it.
    cause = None if asked.operation == "upload" else error
    raise translate(error, asked) from cause


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
        detail = str(error) if isinstance(error, Unanswered) else kind
        return StoreUnavailable(
            f"The server that gives out tokens and signatures cannot be reached, or "
            f"fails: {asked.subject} ({detail}).{_asked.outcome(asked, sent=False)}"
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
    sent = was_sent(error)
    if isinstance(error, Broken):
        reason = str(error)
    elif isinstance(error, ReadTimeout | ReadTimeoutError):
        reason = "did not answer in time"
    elif distrusts(error):
        reason = "has no certificate that this machine trusts"
    elif isinstance(error, ProxyError):
        reason = "cannot be reached through the proxy that the environment names"
    elif not sent:
        reason = "cannot be reached"
    else:
        reason = "broke off the connection, or its answer"
    return _asked.unreachable(asked, reason, root_of(error), sent=sent)


def _answered(error: Refused, asked: Asked) -> MinimalkvError:
    status = error.status
    if asked.operation == "upload" and status in (404, 410):
        return StoreUnavailable(
            f"The upload of {asked.subject} is not there any more: it is too old, or "
            "an earlier answer was lost. It may have happened."
        )
    if status == 412:
        return _asked.lost(asked)
    if status == 416:
        return _asked.out_of_range(asked)
    if status == 404:
        return _missing(error, asked)
    if status in (401, 403):
        return _denied(error, asked)
    if status == _RATE_LIMIT:
        return StoreUnavailable(
            f"{asked.server} asks for fewer requests: {asked.subject}. It lets one "
            f"value be replaced about once a second.{_asked.outcome(asked, sent=False)}"
        )
    if may_pass(error):
        return _asked.overloaded(asked, error)
    return _rejected(error, asked)


def _missing(error: Refused, asked: Asked) -> MinimalkvError:
    if lacks_bucket(error):
        return _asked.missing_place(asked)
    if lacks_object(error) and asked.key is not None:
        return _asked.missing(asked)
    if asked.operation in INSIDE:
        return _asked.missing_something(asked, error.message[:_HINT])
    return _rejected(error, asked)


def _denied(error: Refused, asked: Asked) -> AccessDenied:
    if error.status == 401 and not _PERMISSION.search(error.message):
        return AccessDenied(
            f"{asked.server} refuses the credentials for {asked.subject}: correct them "
            f"({error})."
        )
    told = _PERMISSION.search(error.message)
    needed = told.group() if told else _PERMISSIONS.get(asked.operation, _WRITING)
    return AccessDenied(
        f"Access to {asked.subject} was denied: to {asked.operation} takes the "
        f"permission {needed} ({error})."
    )


def _rejected(error: Refused, asked: Asked) -> MinimalkvError:
    if asked.operation == "create the bucket":
        return StoreError(
            f"The {asked.place} does not exist, and cannot be created ({error})."
        )
    return StoreError(
        f"{asked.server} refused to {asked.operation}: {asked.subject} ({error})."
    )
