"""How to reach Azure: what the options come to, and nothing that connects."""

import re
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from urllib.parse import urlsplit

from minimalkv._errors import InvalidArgument
from minimalkv._options import AZURE_OPTIONS
from minimalkv.net._places import check_name

TIMEOUT_SECS: Final = 30.0
MAX_BLOCK_BYTES: Final = 4 * 1024 * 1024
MAX_SINGLE_PUT_BYTES: Final = 64 * 1024 * 1024

# What Azure takes.
_LARGEST_BYTES: Final = {
    "max_block_size": 4000 * 1024 * 1024,
    "max_single_put_size": 5000 * 1024 * 1024,
}
_SUFFIX: Final = "core.windows.net"
_URL: Final = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?(/[\w.-]*)*")

Pair = tuple[float, float]


class AzureOptions(TypedDict, total=False):
    """What a store on Azure takes instead of a connection string."""

    account_name: str | None
    account_key: str | None
    use_sas: bool
    default_endpoints_protocol: str | None
    blob_endpoint: str | None
    timeout: float | None


@dataclass(frozen=True, repr=False)
class Settings:
    """All that a client is made of.

    Attributes
    ----------
    container : str
        The name of the container.
    conn_string : str or None
        Account, key or token, and endpoint; None for the default credential.
    account_name : str
        The account, where there is no connection string; its URL need not have it.
    endpoint : str
        The URL of the service, where the default credential is used.
    can_sign : bool
        Whether there is something to sign URLs with.
    connect_secs, read_secs : float
        Longest wait for a connection, and for an answer.
    timeout : float
        Longest wait for a call that is repeated.
    max_connections : int
        Requests of one call that are on their way at once.
    block_bytes, single_put_bytes : int
        Size of the blocks of an upload, and of what is stored by one request.
    """

    container: str
    conn_string: str | None
    account_name: str
    endpoint: str
    can_sign: bool
    connect_secs: float
    read_secs: float
    timeout: float
    max_connections: int
    block_bytes: int
    single_put_bytes: int


def checked(name: str, value: Any) -> Any:
    """Return what a URL would make of an option; None stays None.

    Raises
    ------
    InvalidArgument
        If it would refuse it, or it is more than Azure takes.
    """
    if value is None:
        return None
    option = AZURE_OPTIONS[name]
    result: Any = option.read(value)
    most = _LARGEST_BYTES.get(name)
    if result is None or (most and result > most):
        limit = f", at most {most} bytes" if most else ""
        shown = f", not {value!r}" if isinstance(value, int | float) else ""
        raise InvalidArgument(f"{name} has to be {option.expected}{limit}{shown}.")
    return result


def conn_string_of(options: AzureOptions) -> str | None:
    """Return a connection string made of options, None for the default credential.

    Raises
    ------
    InvalidArgument
        If the account is missing or can be none, or the options contradict each other.
    """
    name, secret = options.get("account_name"), options.get("account_key")
    if not name:
        raise InvalidArgument(
            "Name the account: conn_string, or account_name with account_key; with "
            "account_name alone the default credential is used."
        )
    check_name(name, "account_name", "storage account")
    if secret:
        return _join(name, secret, options)
    if options.get("use_sas"):
        raise InvalidArgument("use_sas needs the token as account_key.")
    return None


def _join(name: str, secret: str, options: AzureOptions) -> str:
    parts = {"DefaultEndpointsProtocol": _protocol(options), "AccountName": name}
    if options.get("blob_endpoint"):
        parts["BlobEndpoint"] = _endpoint(options)
    else:
        # Without it, the SDK takes no notice of the protocol.
        parts["EndpointSuffix"] = _SUFFIX
    if options.get("use_sas"):
        parts["SharedAccessSignature"] = secret.removeprefix("?")
    else:
        parts["AccountKey"] = secret
    if any(";" in value for value in parts.values()):
        raise InvalidArgument("No name, key or token of an account has a semicolon.")
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _protocol(options: AzureOptions) -> str:
    return options.get("default_endpoints_protocol") or "https"


def _endpoint(options: AzureOptions) -> str:
    given = options.get("blob_endpoint")
    if not given:
        return f"{_protocol(options)}://{options['account_name']}.blob.{_SUFFIX}"
    url = given if "://" in given else f"{_protocol(options)}://{given}"
    if not _URL.fullmatch(url):
        raise InvalidArgument(
            "blob_endpoint is the URL or the host of the service, such as "
            "'https://blob.example.org' or 'http://127.0.0.1:10000/devstoreaccount1'."
        )
    return url.rstrip("/")


def endpoint_of(options: AzureOptions) -> str:
    """Return the URL of the service for the default credential.

    Raises
    ------
    InvalidArgument
        If it is not HTTPS: a token sent in clear is everybody's.
    """
    url = _endpoint(options)
    if urlsplit(url).scheme != "https":
        raise InvalidArgument(
            "The default credential is sent over HTTPS only: give an account_key, or "
            "an endpoint that speaks HTTPS."
        )
    return url


def holds_key(conn_string: str) -> bool:
    """Tell whether a connection string has an account key, which can sign URLs."""
    found = parts_of(conn_string)
    has_key = found.get("ACCOUNTKEY") and found.get("ACCOUNTNAME")
    return bool(has_key or found.get("USEDEVELOPMENTSTORAGE") == "true")


def parts_of(conn_string: str) -> dict[str, str]:
    """Return what a connection string says, by its names in capital letters."""
    parts = (part.partition("=") for part in conn_string.split(";"))
    return {name.strip().upper(): value for name, _, value in parts}


def waits_of(
    timeout: float | None, socket_timeout: float | Pair | None
) -> tuple[float, float, float]:
    """Return how long to wait for a connection, an answer, and a repeated call.

    Parameters
    ----------
    timeout : float or None
        Seconds for one call; no wait is longer.
    socket_timeout : float, tuple or None
        Seconds for a connection and for an answer, or for either.
    """
    if socket_timeout is None:
        whole = timeout or TIMEOUT_SECS
        return whole, whole, whole
    if isinstance(socket_timeout, tuple | list):
        connect, read = socket_timeout
    else:
        connect = read = socket_timeout
    whole = timeout or max(connect, read)
    return min(connect, whole), min(read, whole), whole
