"""What botocore raises, as the errors of this package, with the cure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from minimalkv._conditions import changed, exists
from minimalkv._errors import (
    AccessDenied,
    InvalidKey,
    KeyNotFound,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
    Unsupported,
)

FAILURES: Final = (BotoCoreError, ClientError, ResponseParserError, HTTPError)
"""Everything that a call of botocore, or reading its answer, raises on purpose."""

_NOT_SENT: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_CUT: Final = (
    BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    FlexibleChecksumError,
    ResponseParserError,
    HTTPError,
)
_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
)
_BUSY_STATUS: Final = frozenset((429, 500, 502, 503, 504))
_BUSY: Final = frozenset(
    (
        "BandwidthLimitExceeded",
        "InternalError",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    )
)
_CONFLICTS: Final = frozenset(("ConditionalRequestConflict", "OperationAborted"))
_BAD_KEYS: Final = {
    "InvalidAccessKeyId": "the server does not know the access key: correct it",
    "SignatureDoesNotMatch": "the secret key is not that of the access key: correct "
    "it, and percent-encode it in a URL (/ as %2F, + as %2B)",
    "ExpiredToken": "the temporary credentials have expired: get new ones",
    "InvalidToken": "the session token is not valid: get a new one",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
}
_ELSEWHERE: Final = "is in another region: say which with region_name"
_NAMED_BADLY: Final = "has a name that is somebody else's, or none of S3's: choose one"
_CURES: Final = {
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "PermanentRedirect": _ELSEWHERE,
    "TemporaryRedirect": _ELSEWHERE,
    "BucketAlreadyExists": _NAMED_BADLY,
    "InvalidBucketName": _NAMED_BADLY,
}
_PERMISSIONS: Final = {
    "head_object": "s3:GetObject, and s3:ListBucket to be told what is missing",
    "get_object": "s3:GetObject, and s3:ListBucket to be told what is missing",
    "list_objects_v2": "s3:ListBucket",
    "head_bucket": "s3:ListBucket",
    "create_bucket": "s3:CreateBucket",
    "delete_object": "s3:DeleteObject",
    "delete_objects": "s3:DeleteObject",
    "abort_multipart_upload": "s3:AbortMultipartUpload",
    "copy_object": "s3:GetObject and s3:PutObject",
    "upload_part_copy": "s3:GetObject and s3:PutObject",
}
_READS: Final = frozenset(
    ("get_object", "head_object", "list_objects_v2", "head_bucket")
)


class OutOfRange(StoreError):
    """The value has no byte where one was asked for."""


class Archived(AccessDenied):
    """The value is there, but has to be restored before it can be read."""


class Asked(NamedTuple):
    """A request, as far as its errors tell about it."""

    operation: str
    bucket: str
    server: str
    key: str | None
    params: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """What it was about, for a message."""
        bucket = f"the bucket {self.bucket!r}"
        return bucket if self.key is None else f"{self.key!r} in {bucket}"

    @property
    def is_conditional(self) -> bool:
        """Whether it is a write that must not happen twice."""
        return self.operation not in _READS and (
            "IfMatch" in self.params or "IfNoneMatch" in self.params
        )


def code_of(error: Exception) -> str:
    """Return the code that S3 gave an error, or an empty text."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error, or 0."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def may_pass(error: Exception) -> bool:
    """Tell whether the same request may succeed a moment later."""
    if isinstance(error, ClientError):
        return status_of(error) in _BUSY_STATUS or code_of(error) in _BUSY
    if isinstance(error, SSLError):
        return False
    return isinstance(error, (*_CUT, StoreUnavailable))


def was_refused_for_another(error: Exception) -> bool:
    """Tell whether a conditional write was not done since another was going on."""
    return status_of(error) == 409 and code_of(error) in _CONFLICTS


def translate(error: Exception, asked: Asked) -> MinimalkvError:
    """Make our error out of what botocore raised.

    Parameters
    ----------
    error : Exception
        One of `FAILURES`.
    asked : Asked
        The request it answers.
    """
    if isinstance(error, ClientError):
        return _answered(error, asked)
    if isinstance(error, _NO_CREDENTIALS):
        return AccessDenied(
            f"There are no usable credentials for {asked.subject}: write them into the "
            "URL (s3://key:secret@…), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            f"or give this machine a role ({type(error).__name__})."
        )
    if isinstance(error, ParamValidationError):
        return StoreError(f"The SDK refuses the request for {asked.subject}: {error}")
    if isinstance(error, _CUT):
        return _unreachable(error, asked)
    return StoreError(
        f"The request for {asked.subject} failed ({type(error).__name__}): {error}"
    )


def _unreachable(error: Exception, asked: Asked) -> StoreUnavailable:
    if isinstance(error, _NOT_SENT):
        reason = "cannot be reached"
    elif isinstance(error, ReadTimeoutError):
        reason = "did not answer in time"
    elif isinstance(error, SSLError):
        reason = "has no certificate that this machine trusts, or speaks no TLS"
    elif isinstance(error, FlexibleChecksumError):
        reason = "sent a value that does not match its checksum"
    else:
        reason = "broke off the connection, or its answer"
    return StoreUnavailable(
        f"{asked.server} {reason}: {asked.subject} ({type(error).__name__})."
        f"{_outcome(asked, sent=not isinstance(error, _NOT_SENT))}"
    )


def _outcome(asked: Asked, *, sent: bool = True) -> str:
    if asked.operation in _READS:
        return ""
    return " It may have happened." if sent else " Nothing was written."


def _answered(error: ClientError, asked: Asked) -> MinimalkvError:
    code, status = code_of(error), status_of(error)
    if error.operation_name == "AssumeRole":
        return _no_role(error, asked)
    if status == 412:
        return _lost(asked)
    if status == 416:
        return OutOfRange(f"{asked.subject} is shorter than the range asked for.")
    if status == 404:
        return _missing(code, asked)
    if status in (401, 403) or code in _BAD_KEYS:
        return _denied(code, asked)
    if may_pass(error):
        return StoreUnavailable(
            f"{asked.server} is overloaded or failed ({status} {code}): "
            f"{asked.subject}.{_outcome(asked)}"
        )
    return _refused(code, error, asked)


def _no_role(error: ClientError, asked: Asked) -> AccessDenied:
    return AccessDenied(
        f"The role for {asked.subject} could not be assumed: the credentials need the "
        f"permission sts:AssumeRole, and the role has to trust them. {error}"
    )


def _lost(asked: Asked) -> MinimalkvError:
    key = asked.key or ""
    return exists(key) if "IfNoneMatch" in asked.params else changed(key)


def _missing(code: str, asked: Asked) -> MinimalkvError:
    if code == "NoSuchBucket" or asked.operation == "head_bucket":
        return StoreError(
            f"The bucket {asked.bucket!r} does not exist at {asked.server}. Create it, "
            "or let create_if_missing be true."
        )
    # An answer to HEAD has no body to say so.
    if code == "NoSuchKey" or asked.operation == "head_object":
        key = asked.key or ""
        return changed(key) if "IfMatch" in asked.params else KeyNotFound(key)
    if code == "NoSuchUpload":
        return StoreUnavailable(
            f"The upload of {asked.subject} is not there any more: somebody aborted "
            "it, or an earlier answer was lost. It may have happened."
        )
    # Cut short, it says neither that the key is missing nor that the bucket is.
    return StoreUnavailable(
        f"{asked.server} answered 404 without saying what is missing: {asked.subject}."
    )


def _denied(code: str, asked: Asked) -> AccessDenied:
    if code in _BAD_KEYS:
        return AccessDenied(f"Access to {asked.subject} failed: {_BAD_KEYS[code]}.")
    if code == "InvalidObjectState":
        return Archived(f"{asked.subject} is archived: restore it first.")
    needed = _PERMISSIONS.get(asked.operation, "s3:PutObject")
    if asked.params.get("ACL"):
        needed += " and s3:PutObjectAcl"
    return AccessDenied(
        f"Access to {asked.subject} was denied: {asked.operation} needs the permission "
        f"{needed} ({code})."
    )


def _refused(code: str, error: Exception, asked: Asked) -> MinimalkvError:
    if code in _CONFLICTS:
        return StoreUnavailable(
            f"Others were writing {asked.subject} all the time. Nothing was written."
        )
    if code == "KeyTooLongError":
        return InvalidKey(
            f"{asked.server} takes no name that long: {asked.subject}. Shorten the "
            "key, or object_prefix; some servers limit each part between slashes."
        )
    if status_of(error) == 501:
        return Unsupported(f"{asked.server} does not do that ({code}): {error}")
    cure = _CURES.get(code)
    if cure is not None:
        return StoreError(f"The bucket {asked.bucket!r} {cure} ({code}).")
    return StoreError(f"{asked.server} refused {asked.subject}: {error}")
