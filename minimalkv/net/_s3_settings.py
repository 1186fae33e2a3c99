"""How to reach S3: what the options of a store come to, and nothing that connects."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NoReturn, TypedDict
from urllib.parse import urlsplit

from minimalkv._errors import InvalidArgument, Unsupported
from minimalkv._options import ENDPOINT, NETWORK
from minimalkv._url_text import unknown_name

TIMEOUT_SECS: Final = 30.0
MAX_CONNECTIONS: Final = 10
SHORTEST_ROLE_SECS: Final = 900

# As botocore knows them, the clouds for governments and of China among them.
_AWS_DOMAINS = (
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".amazonwebservices.com.cn",
    ".amazonwebservices.eu",
    ".api.aws",
    ".api.aws.hci.ic.gov",
    ".api.aws.ic.gov",
    ".api.aws.scloud",
    ".c2s.ic.gov",
    ".cloud-aws.adc-e.uk",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".sc2s.sgov.gov",
)
_ROLE_PREFIX = "sts_assume_role__"
_CREDENTIALS = ("access_key", "secret_key", "session_token")
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class S3Options(TypedDict, total=False):
    """What a store on S3 takes to reach its server; `Boto3Store` describes it."""

    host: str | None
    access_key: str | None
    secret_key: str | None
    session_token: str | None
    region_name: str | None
    is_secure: bool
    verify: bool
    force_bucket_suffix: bool
    conditional: bool | None
    is_sts_credentials: bool
    sts_assume_role_params: Mapping[str, object] | None
    timeout: float
    max_connections: int


@dataclass(frozen=True, repr=False)
class Settings:
    """All that a client is made of.

    Attributes
    ----------
    endpoint_url : str or None
        Scheme, host and port; None for AWS.
    addressing : str or None
        Where the bucket stands in a URL: "path" or "virtual", the host name.
    role : dict or None
        The parameters of AssumeRole, where the credentials are there for that.
    given : tuple or None
        Credentials and configuration of the client that the store was made of.
    """

    endpoint_url: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    session_token: str | None = None
    region_name: str | None = None
    verify: bool | str | None = None
    conditional: bool | None = None
    role: dict[str, object] | None = None
    timeout: float = TIMEOUT_SECS
    max_connections: int = MAX_CONNECTIONS
    addressing: str | None = None
    given: tuple[Any, Any] | None = None

    def __getstate__(self) -> dict[str, object]:
        if self.given is not None:
            _refuse_pickle()
        return self.__dict__

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)


_SETTINGS: Final = S3Options.__annotations__.keys() & Settings.__dataclass_fields__


def _refuse_pickle() -> NoReturn:
    raise Unsupported(
        "This store was made of a boto3 bucket, whose client does not pickle. Make it "
        "of the bucket's name and settings, or of a URL: both do."
    )


def settings_of(options: S3Options, name: str, bucket: object = None) -> Settings:
    """Return the settings that options say, on top of those of a bucket's client.

    Parameters
    ----------
    options : S3Options
        What was asked for.
    name : str
        The name of the bucket.
    bucket : object
        A ``Bucket`` resource of boto3, or None.

    Raises
    ------
    InvalidArgument
        If there is no such option, one cannot be used, or they contradict each other.
    """
    _check(options)
    settings = Settings() if bucket is None else _settings_of_client(bucket)
    host = options.get("host")
    if host:
        if ENDPOINT.read(host) is None:
            raise InvalidArgument(f"host is {ENDPOINT.expected}, not {host!r}.")
        scheme = "https" if options.get("is_secure", True) else "http"
        settings = replace(settings, endpoint_url=f"{scheme}://{host}")
    if options.get("access_key"):
        settings = replace(settings, given=None)
    found = {name: value for name, value in options.items() if name in _SETTINGS}
    known: dict[str, Any] = {k: v for k, v in found.items() if v is not None}
    # None leaves it to the variables that name a certificate bundle, which are no
    # longer looked at where it is True.
    if known.get("verify") is True:
        del known["verify"]
    addressing = _addressing(settings.endpoint_url, name)
    return replace(settings, **known, role=_role_of(options), addressing=addressing)


def _check(options: Mapping[str, Any]) -> None:
    known = S3Options.__annotations__
    for name, value in options.items():
        if name not in known:
            raise InvalidArgument(unknown_name("argument", name, known))
        if name in _CREDENTIALS and value:
            _check_credential(name, value)
        option = NETWORK.get(name)
        if option is not None and option.read(value) is None:
            raise InvalidArgument(f"{name} is {option.expected}, not {value!r}.")
    if bool(options.get("access_key")) != bool(options.get("secret_key")):
        raise InvalidArgument(
            "access_key and secret_key go together: give both, or neither."
        )


def _check_credential(name: str, value: str) -> None:
    # The others are sent in headers; an error of one that cannot be would quote it.
    is_right = value == value.strip()
    if not is_right or (name != "secret_key" and not _is_word(value)):
        raise InvalidArgument(
            f"{name} has a line break, a space or another character that none has: "
            "strip it."
        )


def _is_word(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _addressing(endpoint_url: str | None, name: str) -> str | None:
    if endpoint_url is not None and not is_aws(endpoint_url):
        return "path"
    # Left to botocore, a signed URL names the host of all regions, which sends on to
    # another one, where its signature is wrong. A certificate covers no name with dots.
    return "virtual" if _HOST_LABEL.fullmatch(name) else None


def _settings_of_client(bucket: Any) -> Settings:
    try:
        client = bucket.meta.client
        # There is no other way to them, and they have been there for ten years.
        credentials = client._request_signer._credentials
        verify = client._endpoint.http_session._verify
    except AttributeError:
        raise InvalidArgument(
            "bucket is the name of a bucket, or a Bucket of boto3.resource('s3'), not "
            f"{type(bucket).__name__}."
        ) from None
    meta = client.meta
    return Settings(
        endpoint_url=meta.endpoint_url,
        region_name=meta.region_name,
        verify=verify,
        timeout=meta.config.read_timeout or TIMEOUT_SECS,
        max_connections=meta.config.max_pool_connections,
        given=(credentials, meta.config),
    )


def _role_of(options: S3Options) -> dict[str, object] | None:
    role = dict(options.get("sts_assume_role_params") or {})
    if not options.get("is_sts_credentials"):
        if role:
            raise InvalidArgument(
                "The parameters of AssumeRole are there, but is_sts_credentials is "
                "not true: say so, or drop them."
            )
        return None
    if not role.get("RoleArn"):
        raise InvalidArgument(
            "is_sts_credentials needs the role to assume, as in "
            "sts_assume_role__RoleArn=arn:aws:iam::123456789012:role/name."
        )
    if "DurationSeconds" in role:
        role["DurationSeconds"] = _duration(role["DurationSeconds"])
    return role


def _duration(value: object) -> int:
    text = str(value)
    if not text.isdecimal() or int(text) < SHORTEST_ROLE_SECS:
        raise InvalidArgument(
            "DurationSeconds of AssumeRole is a whole number of seconds, at least "
            f"{SHORTEST_ROLE_SECS}, not {text!r}."
        )
    return int(text)


def split_role(params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, object]]:
    """Part the parameters of a URL from those that are meant for AssumeRole."""
    role = {
        name.removeprefix(_ROLE_PREFIX): value
        for name, value in params.items()
        if name.startswith(_ROLE_PREFIX)
    }
    others = {k: v for k, v in params.items() if not k.startswith(_ROLE_PREFIX)}
    return others, role


@lru_cache(64)
def is_aws(endpoint_url: str) -> bool:
    """Tell whether a server is Amazon's own: what it can do is known."""
    return f".{urlsplit(endpoint_url).hostname}".endswith(_AWS_DOMAINS)
