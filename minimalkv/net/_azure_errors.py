"""What Azure answers, and what its SDK raises, as the errors of this package."""

from collections.abc import Mapping
from typing import Final, NamedTuple, NoReturn, TypeAlias

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceResponseTimeoutError,
)
from urllib3.exceptions import HTTPError, ReadTimeoutError

from minimalkv._errors import (
    AccessDenied,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from minimalkv.net import _asked
from minimalkv.net._asked import BUSY_STATUS, Broken
from minimalkv.net._causes import (
    connects_late,
    distrusts,
    is_of_system,
    root_of,
    was_sent,
)

_TIMEOUTS: Final = (ServiceResponseTimeoutError, ReadTimeoutError)
# Azure says the last one of a network that its firewall does not let in, Azurite of a
# wrong key.
_BAD_KEYS: Final = frozenset(
    (
        "AuthenticationFailed",
        "InvalidAuthenticationInfo",
        "NoAuthenticationInformation",
        "AuthorizationFailure",
    )
)
_LOST: Final = frozenset(
    ("ConditionNotMet", "TargetConditionNotMet", "BlobAlreadyExists")
)
_ALTERED: Final = frozenset(("Md5Mismatch", "Crc64Mismatch"))


class Refusal(Exception):
    """An answer that is no success.

    Attributes
    ----------
    status : int
        The status of HTTP.
    code : str
        What Azure calls it, or an empty text.
    copy_code : str
        What it calls a failure to read the source of a copy.
    retry_after : str or None
        When to ask again, in the words of HTTP.
    """

    def __init__(self, status: int, code: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"{status} {code}".strip())
        self.status = status
        self.code = code
        self.copy_code = headers.get("x-ms-copy-source-error-code", "")
        self.retry_after = headers.get("Retry-After")


FAILURES: Final = (AzureError, HTTPError, Refusal, Broken)
"""Everything that a request, or reading its answer, raises on purpose."""


def as_refusal(error: Exception) -> Exception:
    """Return what a method of the SDK raised as what our own requests raise."""
    if not (isinstance(error, HttpResponseError) and error.status_code):
        return error
    code = getattr(error, "error_code", None) or ""
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    return Refusal(error.status_code, str(getattr(code, "value", code)), headers)


class BlocksLost(StoreError):
    """Another writer stored a value meanwhile, which made Azure forget the blocks."""


class CopyRefused(StoreError):
    """The value cannot be copied by one request."""


class SourceChanged(StoreError):
    """The value was replaced while it was copied in parts."""


class Operation(NamedTuple):
    """A kind of request.

    Attributes
    ----------
    method : str
        The method of HTTP.
    permission : str
        What a token or a role has to allow.
    writes : bool
        Whether it changes anything.
    """

    method: str
    permission: str
    writes: bool = True


_READ: Final = "'read' (in a token r; a role such as Storage Blob Data Reader)"
_WRITE: Final = (
    "'write' and 'create' (in a token w and c; a role such as Storage Blob Data "
    "Contributor)"
)
GET: Final = Operation("GET", _READ, writes=False)
HEAD: Final = Operation("HEAD", _READ, writes=False)
LIST: Final = Operation(
    "GET", "'list' (in a token l; a role such as Storage Blob Data Reader)", False
)
PUT: Final = Operation("PUT", _WRITE)
COPY: Final = Operation("PUT", f"{_WRITE}, and {_READ}")
DELETE: Final = Operation(
    "DELETE", "'delete' (in a token d; a role such as Storage Blob Data Contributor)"
)
BATCH: Final = Operation("POST", DELETE.permission)
CREATE: Final = Operation(
    "PUT", "to create containers (a role such as Storage Blob Data Contributor)"
)
SIGN: Final = Operation(
    "POST", "to get a user delegation key (the role Storage Blob Delegator)", False
)


Asked: TypeAlias = _asked.Asked[Operation]


def may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    if isinstance(error, Refusal):
        return error.status in BUSY_STATUS or error.code in _ALTERED
    if isinstance(error, ClientAuthenticationError):
        return False
    return not distrusts(error)


def fail(asked: Asked, error: Exception) -> NoReturn:
    """Raise our error for a failure; what the SDK raised is not shown."""
    root = root_of(error)
    is_shown = isinstance(root, Refusal) or is_of_system(root)
    raise translate(error, asked) from (root if is_shown else None)


def translate(error: Exception, asked: Asked) -> MinimalkvError:
    """Make our error out of a failure.

    Parameters
    ----------
    error : Exception
        One of `FAILURES`.
    asked : Asked
        The request that failed.
    """
    if isinstance(error, Refusal):
        return _refused(error, asked)
    if isinstance(error, ClientAuthenticationError):
        return _no_credential(error, asked)
    if isinstance(error, Broken):
        return _asked.unreachable(asked, str(error), error)
    return _unreachable(error, asked)


def _no_credential(error: ClientAuthenticationError, asked: Asked) -> AccessDenied:
    message = str(error.message).partition("\n")[0]
    return AccessDenied(
        f"There is no usable credential for {asked.subject} ({message}). Write the "
        "account key into the URL, percent-encoded (azure://account:key@container), or "
        "log this machine in, as azure-identity describes it."
    )


def _unreachable(error: Exception, asked: Asked) -> StoreUnavailable:
    sent = was_sent(error)
    if distrusts(error):
        reason = "has no certificate that this machine trusts"
    elif connects_late(error):
        reason = "cannot be reached in time"
    elif not sent:
        reason = "cannot be reached"
    elif isinstance(error, _TIMEOUTS):
        reason = "did not answer in time"
    else:
        reason = "broke off the connection, or its answer"
    return _asked.unreachable(asked, reason, root_of(error), sent=sent)


def _refused(error: Refusal, asked: Asked) -> MinimalkvError:
    status, code = error.status, error.code
    if code in _LOST or (status == 412 and not code):
        return _asked.lost(asked)
    if status == 416:
        return _asked.out_of_range(asked)
    if asked.operation is COPY and (code.startswith("CannotVerify") or status == 413):
        return _copy_refused(error, asked)
    if code in _COMPLAINTS:
        return _complained(code, asked)
    if status == 404:
        return _missing(error, asked)
    if status in (401, 403):
        return _denied(error, asked)
    if may_pass(error):
        return _asked.overloaded(asked, error)
    return _otherwise(error, asked)


def _copy_refused(error: Refusal, asked: Asked) -> MinimalkvError:
    if error.status == 404 or error.copy_code == "BlobNotFound":
        return KeyNotFound(asked.key or "")
    if error.status in (401, 403):
        return _denied(error, asked)
    return CopyRefused(f"{asked.server} refused to copy {asked.subject} ({error}).")


def _missing(error: Refusal, asked: Asked) -> MinimalkvError:
    if error.code == "BlobNotFound":
        return _asked.missing(asked)
    if error.code == "ContainerNotFound":
        return StoreError(
            f"The specified container does not exist. Create the {asked.place} at "
            f"{asked.server}, or let create_if_missing be true."
        )
    # Whoever answers so is not sure to be Azure.
    return _asked.missing_something(asked, error.code)


def _denied(error: Refusal, asked: Asked) -> AccessDenied:
    if error.code in _BAD_KEYS:
        return AccessDenied(
            f"Access to {asked.subject} failed: {asked.server} does not accept the "
            "account key or token, or where it comes from. Correct it, percent-encoded "
            "in a URL (/ as %2F, + as %2B), renew it, set the clock of this machine, "
            f"or let its network in ({error.code})."
        )
    return AccessDenied(
        f"Access to {asked.subject} was denied: it needs the permission "
        f"{asked.operation.permission} ({error.code})."
    )


_COMPLAINTS: Final[Mapping[str, tuple[type[StoreError], str]]] = {
    "InvalidBlockList": (
        BlocksLost,
        "Another writer stored {subject} while this upload was going on, and Azure "
        "then drops the blocks of all others. What this one sent is not there, or not "
        "any more: store it again.",
    ),
    "InvalidBlobOrBlock": (
        StoreError,
        "Another program began to send {subject} in blocks that do not go with others. "
        "Azure drops them after a week, or when put() stores a small value.",
    ),
    "LeaseIdMissing": (StoreError, "Somebody holds a lease on {subject}."),
    "BlobArchived": (AccessDenied, "{subject} is archived: restore it first."),
    "SnapshotsPresent": (
        StoreError,
        "{subject} has snapshots, and stays as long as they do: delete them first "
        "(SnapshotsPresent).",
    ),
    "SourceConditionNotMet": (
        SourceChanged,
        "{subject} was replaced while it was copied.",
    ),
    "KeyBasedAuthenticationNotPermitted": (
        AccessDenied,
        "The account of {subject} takes no key, and no token signed with one. Use the "
        "default credential: leave the key out (azure://account@container).",
    ),
    "AccountIsDisabled": (
        AccessDenied,
        "The account of {subject} is disabled, by its owner or by Azure.",
    ),
    "PublicAccessNotPermitted": (
        AccessDenied,
        "The account lets nobody read without a key: leave out public=true for "
        "{subject}, or allow public access to its blobs.",
    ),
    "ContainerBeingDeleted": (
        StoreUnavailable,
        "The {place} is being deleted; it can be created again in a minute.",
    ),
    "InvalidResourceName": (
        StoreError,
        "There can be no {place}: a name has 3 to 63 lower-case letters, digits and "
        "single hyphens.",
    ),
}


def _complained(code: str, asked: Asked) -> StoreError:
    kind, text = _COMPLAINTS[code]
    told = text.format(subject=asked.subject, place=asked.place)
    return kind(told[0].upper() + told[1:])


def _otherwise(error: Refusal, asked: Asked) -> MinimalkvError:
    if error.status == 501:
        return Unsupported(f"{asked.server} does not do that: {asked.subject}.")
    return StoreError(f"{asked.server} refused {asked.subject} ({error}).")
