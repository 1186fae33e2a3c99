"""What Azure answers, and what its SDK raises, as the errors of this package."""

from collections.abc import Mapping
from ssl import SSLCertVerificationError
from typing import Final, NamedTuple

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseTimeoutError,
)
from urllib3.exceptions import HTTPError, ReadTimeoutError

from minimalkv._conditions import changed, exists
from minimalkv._errors import (
    AccessDenied,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
    Unsupported,
)

_BUSY_STATUS: Final = frozenset((408, 429, 500, 502, 503, 504))
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
    """

    def __init__(self, status: int, code: str, copy_code: str = "") -> None:
        super().__init__(f"{status} {code}".strip())
        self.status = status
        self.code = code
        self.copy_code = copy_code


FAILURES: Final = (AzureError, HTTPError, Refusal)
"""Everything that a request, or reading its answer, raises on purpose."""


def as_refusal(error: Exception) -> Exception:
    """Return what a method of the SDK raised as what our own requests raise."""
    if not (isinstance(error, HttpResponseError) and error.status_code):
        return error
    code = getattr(error, "error_code", None) or ""
    return Refusal(error.status_code, str(getattr(code, "value", code)))


class OutOfRange(StoreError):
    """The value has no byte where one was asked for."""


class BlocksLost(StoreError):
    """Another writer stored a value meanwhile, which made Azure forget the blocks."""


class CopyRefused(StoreError):
    """The value cannot be copied by one request."""


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


class Asked(NamedTuple):
    """A request, as far as its errors tell about it."""

    operation: Operation
    container: str
    server: str
    key: str | None
    conditions: Mapping[str, str]

    @property
    def subject(self) -> str:
        """What it was about, for a message."""
        container = f"the container {self.container!r}"
        return container if self.key is None else f"{self.key!r} in {container}"

    @property
    def is_conditional_write(self) -> bool:
        """Whether it must not be sent twice."""
        return self.operation.writes and bool(self.conditions)


def may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    if isinstance(error, Refusal):
        return error.status in _BUSY_STATUS or error.code in _ALTERED
    if isinstance(error, ClientAuthenticationError):
        return False
    return not isinstance(root_of(error), SSLCertVerificationError)


def root_of(error: BaseException) -> BaseException:
    """Return what an error began with: the SDK's text may have a URL with a token."""
    while inner := _inner(error):
        error = inner
    return error


def _inner(error: BaseException) -> BaseException | None:
    inner: BaseException | None = getattr(error, "inner_exception", None)
    return inner or error.__cause__ or error.__context__


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
    return _unreachable(error, asked)


def _no_credential(error: ClientAuthenticationError, asked: Asked) -> AccessDenied:
    message = str(error.message).partition("\n")[0]
    return AccessDenied(
        f"There is no usable credential for {asked.subject} ({message}). Write the "
        "account key into the URL, percent-encoded (azure://account:key@container), or "
        "log this machine in, as azure-identity describes it."
    )


def _unreachable(error: Exception, asked: Asked) -> StoreUnavailable:
    is_sent = not isinstance(error, ServiceRequestError)
    root = root_of(error)
    detail = f"{type(root).__name__}: {root}" if isinstance(root, OSError) else ""
    if isinstance(error, ServiceRequestTimeoutError):
        reason = "It was impossible to connect in time"
    elif not is_sent:
        reason = "It was impossible to connect"
    elif isinstance(error, _TIMEOUTS):
        reason = "There was no answer in time"
    else:
        reason = "The connection broke off, or the answer did"
    return StoreUnavailable(
        f"{reason}: {asked.server}, about {asked.subject} "
        f"({detail or type(error).__name__}).{outcome(asked, is_sent=is_sent)}"
    )


def outcome(asked: Asked, *, is_sent: bool = True) -> str:
    """Tell what is known about a write that failed."""
    if not asked.operation.writes:
        return ""
    return " It may have happened." if is_sent else " Nothing was written."


def _refused(error: Refusal, asked: Asked) -> MinimalkvError:
    status, code = error.status, error.code
    if code in _LOST or (status == 412 and not code):
        return _lost(asked)
    if status == 416:
        return OutOfRange(f"{asked.subject} is shorter than the range asked for.")
    if asked.operation is COPY and (code.startswith("CannotVerify") or status == 413):
        return _copy_refused(error, asked)
    if status == 404:
        return _missing(error, asked)
    if status in (401, 403):
        return _denied(error, asked)
    if may_pass(error):
        return StoreUnavailable(
            f"{asked.server} is overloaded or failed ({error}): {asked.subject}."
            f"{outcome(asked)}"
        )
    return _otherwise(error, asked)


def _lost(asked: Asked) -> MinimalkvError:
    key = asked.key or ""
    return exists(key) if "If-None-Match" in asked.conditions else changed(key)


def _copy_refused(error: Refusal, asked: Asked) -> MinimalkvError:
    if error.status == 404 or error.copy_code == "BlobNotFound":
        return KeyNotFound(asked.key or "")
    if error.status in (401, 403):
        return _denied(error, asked)
    return CopyRefused(f"{asked.server} refused to copy {asked.subject} ({error}).")


def _missing(error: Refusal, asked: Asked) -> MinimalkvError:
    key = asked.key or ""
    if error.code == "BlobNotFound":
        return changed(key) if "If-Match" in asked.conditions else KeyNotFound(key)
    if error.code == "ContainerNotFound":
        return StoreError(
            f"The specified container does not exist. Create {asked.container!r} at "
            f"{asked.server}, or let create_if_missing be true."
        )
    # Whoever answers so is not sure to be Azure.
    return StoreUnavailable(
        f"{asked.server} answered 404 without saying what is missing: {asked.subject} "
        f"({error.code})."
    )


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
        "then drops the blocks of all others. Nothing was written: store it again.",
    ),
    "InvalidBlobOrBlock": (
        StoreError,
        "Another program began to send {subject} in blocks that do not go with others. "
        "Azure drops them after a week, or when put() stores a small value.",
    ),
    "LeaseIdMissing": (StoreError, "Somebody holds a lease on {subject}."),
    "BlobArchived": (AccessDenied, "{subject} is archived: restore it first."),
    "ContainerBeingDeleted": (
        StoreUnavailable,
        "The container {container!r} is being deleted; it can be created again in a "
        "minute.",
    ),
    "InvalidResourceName": (
        StoreError,
        "{container!r} cannot be the name of a container: it has 3 to 63 lower-case "
        "letters, digits and single hyphens.",
    ),
}


def _otherwise(error: Refusal, asked: Asked) -> MinimalkvError:
    if error.code in _COMPLAINTS:
        kind, text = _COMPLAINTS[error.code]
        return kind(text.format(subject=asked.subject, container=asked.container))
    if error.status == 501:
        return Unsupported(f"{asked.server} does not do that: {asked.subject}.")
    return StoreError(f"{asked.server} refused {asked.subject} ({error}).")
