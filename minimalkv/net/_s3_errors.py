"""What botocore raises, as the errors of this package, with the cure."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias
from urllib.parse import urlsplit

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
from urllib3.exceptions import ReadTimeoutError as BodyTimeoutError

from minimalkv._errors import (
    AccessDenied,
    InvalidArgument,
    InvalidKey,
    MinimalkvError,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from minimalkv.net import _asked
from minimalkv.net._asked import BUSY_STATUS, Broken

FAILURES: Final = (BotoCoreError, ClientError, ResponseParserError, HTTPError, Broken)
"""Everything that a call of botocore, or reading its answer, raises on purpose."""

TIMED_OUT: Final = (ReadTimeoutError, BodyTimeoutError)
"""What is raised for a server that is silent, before its answer or within."""

_NOT_SENT: Final = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_CUT: Final = (
    BotoConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    FlexibleChecksumError,
    ResponseParserError,
    HTTPError,
    Broken,
)
_NO_CREDENTIALS: Final = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
)
_BUSY: Final = frozenset(
    (
        "BandwidthLimitExceeded",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequests",
    )
)
_FAILED: Final = "InternalError"
_UNKNOWN_CHECKSUM: Final = re.compile(r"x-amz-(sdk-)?checksum", re.IGNORECASE)
# OpenSSL's words for what happens before any request goes out.
_HANDSHAKE: Final = re.compile("CERTIFICATE_VERIFY_FAILED|WRONG_VERSION_NUMBER")
_CONFLICTS: Final = frozenset(("ConditionalRequestConflict", "OperationAborted"))
_BAD_KEYS: Final = {
    "InvalidAccessKeyId": "the server does not know the access key: correct it",
    "SignatureDoesNotMatch": "the secret key is not that of the access key: correct "
    "it, and percent-encode it in a URL (/ as %2F, + as %2B)",
    "ExpiredToken": "the temporary credentials have expired: get new ones",
    "InvalidToken": "the session token is not valid: get a new one",
    "RequestTimeTooSkewed": "the clock of this machine is wrong: set it",
}
_NO_SUFFIX: Final = (
    "An earlier version may have put the values there; if it did not, say "
    "force_bucket_suffix=false."
)
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


class Archived(AccessDenied):
    """The value is there, but has to be restored before it can be read."""


class Redirected(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """The server sends on to another place, which a signature is not for."""

    fmt = "sent on to {place}"


class Operation(NamedTuple):
    """A method of the client, and what it is given besides the bucket.

    Attributes
    ----------
    other : str
        The bucket that may have been meant, where access to the named one is denied.
    """

    name: str
    params: Mapping[str, Any]
    other: str = ""


Asked: TypeAlias = _asked.Asked[Operation]


def asked_of(operation: Operation, bucket: str, server: str, key: str | None) -> Asked:
    """Return what the errors of a request tell about it."""
    condition = "match" if "IfMatch" in operation.params else ""
    if "IfNoneMatch" in operation.params:
        condition = "absent"
    writes = operation.name not in _READS
    place = f"bucket {bucket!r}"
    return _asked.Asked(operation, place, server, key, condition, writes)


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
        is_known = code_of(error) in _BUSY or code_of(error) == _FAILED
        return is_known or status_of(error) in BUSY_STATUS
    if isinstance(error, SSLError) or _is_unsendable(error):
        return False
    return isinstance(error, _CUT)


def _is_unsendable(error: Exception) -> bool:
    reason = getattr(error, "kwargs", {}).get("error")
    return type(error) is HTTPClientError and isinstance(reason, ValueError)


def is_busy(error: Exception) -> bool:
    """Tell whether a server has no time, so that it wants to be left alone a while.

    What it calls an error of its own (500) is often one that stays.
    """
    status = status_of(error)
    return code_of(error) in _BUSY or (status in BUSY_STATUS and status != 500)


def retry_after(error: Exception) -> str | None:
    """Return when a server that has no time wants to be asked again, if it says so."""
    if not isinstance(error, ClientError):
        return None
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told: str | None = headers.get("retry-after")
    return told


def was_refused_for_another(error: Exception) -> bool:
    """Tell whether a conditional write was not done since another was going on."""
    return status_of(error) == 409 and code_of(error) in _CONFLICTS


def fail(asked: Asked, error: Exception) -> NoReturn:
    """Raise our error for what botocore raised."""
    # What is of this class, and no other, may quote a header: a token, too.
    cause = None if type(error) is HTTPClientError else error
    raise translate(error, asked) from cause


def set_up_failed(error: Exception, server: str) -> MinimalkvError:
    """Make our error of a client that could not be made.

    Parameters
    ----------
    error : Exception
        One of `FAILURES`, or a ValueError.
    server : str
        Who would have answered.
    """
    if isinstance(error, _NO_CREDENTIALS):
        return _without_credentials(server, error)
    cure = " A host may have no '_' in its name: use another." if "_" in server else ""
    return InvalidArgument(f"No client for {server} can be made: {error}.{cure}")


def _without_credentials(subject: str, error: Exception) -> AccessDenied:
    return AccessDenied(
        f"There are no usable credentials for {subject}: write them into the URL "
        "(s3://key:secret@…), set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        f"give this machine a role ({type(error).__name__})."
    )


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
        return _without_credentials(asked.subject, error)
    if isinstance(error, ParamValidationError):
        return StoreError(f"The SDK refuses the request for {asked.subject}: {error}")
    if isinstance(error, _CUT) and not _is_unsendable(error):
        return _unreachable(error, _as_named_in(error, asked))
    return StoreError(_unanswered(error, asked))


def _unanswered(error: Exception, asked: Asked) -> str:
    if isinstance(error, Redirected):
        return (
            f"{asked.server} {error}: name that as the host, or if it is the same one "
            "with https, leave out is_secure=false."
        )
    if _is_unsendable(error):
        return (
            f"A header of the request for {asked.subject} cannot be sent: strip line "
            f"breaks off the credentials.{_asked.outcome(asked, sent=False)}"
        )
    return f"The request for {asked.subject} failed ({type(error).__name__}): {error}"


def _as_named_in(error: Exception, asked: Asked) -> Asked:
    """Name the server that did not answer: it may be that of the roles."""
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    server = urlsplit(str(url)).netloc if url else ""
    return asked._replace(server=server) if server else asked


def _unreachable(error: Exception, asked: Asked) -> StoreUnavailable:
    is_sent = not isinstance(error, _NOT_SENT)
    if not is_sent:
        reason = "cannot be reached"
    elif isinstance(error, Broken):
        reason = str(error)
    elif isinstance(error, TIMED_OUT):
        reason = "did not answer in time"
    elif isinstance(error, SSLError):
        reason = "has no certificate that this machine trusts, or speaks no TLS"
        is_sent = _HANDSHAKE.search(str(error)) is None
    elif isinstance(error, FlexibleChecksumError):
        reason = "sent a value that does not match its checksum"
    else:
        reason = "broke off the connection, or its answer"
    return _asked.unreachable(asked, reason, error, sent=is_sent)


def _answered(error: ClientError, asked: Asked) -> MinimalkvError:
    code, status = code_of(error), status_of(error)
    if error.operation_name == "AssumeRole":
        return _no_role(error, asked)
    if status == 412:
        return _asked.lost(asked)
    if status == 416:
        return _asked.out_of_range(asked)
    if status == 404:
        return _missing(code, asked)
    if status in (401, 403) or code in _BAD_KEYS:
        return _denied(code, asked)
    if may_pass(error):
        return _asked.overloaded(asked, f"{status} {code}")
    return _refused(code, error, asked)


def _no_role(error: ClientError, asked: Asked) -> AccessDenied:
    return AccessDenied(
        f"The role for {asked.subject} could not be assumed: the credentials need the "
        f"permission sts:AssumeRole, and the role has to trust them. {error}"
    )


def _missing(code: str, asked: Asked) -> MinimalkvError:
    if code == "NoSuchBucket" or asked.operation.name == "head_bucket":
        return _asked.missing_place(asked)
    # An answer to HEAD has no body to say so.
    if code == "NoSuchKey" or asked.operation.name == "head_object":
        return _asked.missing(asked)
    if code == "NoSuchUpload":
        return StoreUnavailable(
            f"The upload of {asked.subject} is not there any more: somebody aborted "
            "it, or an earlier answer was lost. It may have happened."
        )
    return _asked.missing_something(asked)


def _denied(code: str, asked: Asked) -> AccessDenied:
    if code in _BAD_KEYS:
        return AccessDenied(f"Access to {asked.subject} failed: {_BAD_KEYS[code]}.")
    if code == "InvalidObjectState":
        return Archived(f"{asked.subject} is archived: restore it first.")
    name, params, other = asked.operation
    needed = _PERMISSIONS.get(name, "s3:PutObject")
    if params.get("ACL"):
        needed += " and s3:PutObjectAcl"
    hint = f" If its values are in {other!r}, name that bucket." if other else ""
    if name == "head_bucket":
        hint = f" {_NO_SUFFIX}"
    return AccessDenied(
        f"Access to {asked.subject} was denied: {name} needs the permission {needed} "
        f"({code}).{hint}"
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
    if _UNKNOWN_CHECKSUM.search(str(error)):
        return Unsupported(
            f"{asked.server} does not know the checksums of today: set the variable "
            f"AWS_REQUEST_CHECKSUM_CALCULATION=when_required ({code})."
        )
    if status_of(error) == 501:
        return Unsupported(f"{asked.server} does not do that ({code}): {error}")
    cure = _CURES.get(code)
    if cure is not None:
        return StoreError(f"The {asked.place} {cure} ({code}).")
    return StoreError(f"{asked.server} refused {asked.subject}: {error}")
