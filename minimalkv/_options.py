"""What the options of URLs and the parameters of stores may be; no SDK is needed."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Final, NamedTuple, TypeAlias

from minimalkv._errors import InvalidURL
from minimalkv._url_text import CONTROL, show, unknown_name


class Option(NamedTuple):
    """One option of a URL, or one parameter of `get_store`.

    Attributes
    ----------
    read : callable
        Turns the text of a URL, or a value of the right type, into the typed value;
        returns None for anything else.
    expected : str
        What to write, as in "'fsync' has to be true or false".
    meaning : str
        What it does, in one line.
    hidden : bool
        Whether a wrong value may be a misplaced secret, so that no message shows it.
    """

    read: Callable[[object], object]
    expected: str
    meaning: str
    hidden: bool = False


Options: TypeAlias = Mapping[str, Option]

_BOOLS = dict.fromkeys(("true", "1", "yes", "on", ""), True) | dict.fromkeys(
    ("false", "0", "no", "off"), False
)
_PLAIN = re.compile(r"[\w.,;*()+ %-]*")
_WHOLE = re.compile(r"[0-9]{1,18}")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_PRODUCT = re.compile(r"[0-9]{1,18}(\*[0-9]{1,18}){0,9}")
_PAIR = re.compile(r"\( *([0-9.]+) *, *([0-9.]+) *\)")
_PERM = re.compile(r"[0-7]{3,4}")
_HOST = re.compile(r"[\w.-]{1,255}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]{1,45}")
_ENDPOINT = re.compile(r"([\w.-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_BUCKET = re.compile(r"[$0-9A-Za-z][\w.-]{0,221}", re.ASCII)

_SENSITIVE = re.compile(
    r"pass|pwd|secret|token|key|sas|sts|sig|auth|credential|connection_string", re.I
)
_MAX_SECS = 10**9
_MAX_PERM = 0o777


def is_sensitive(name: str) -> bool:
    """Return whether values under this name are never shown."""
    return _SENSITIVE.search(name) is not None


def _read_bool(value: object) -> bool | None:
    if isinstance(value, str):
        return _BOOLS.get(value.lower())
    return value if isinstance(value, bool) else None


def _read_index(value: object) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def _read_count(value: object) -> int | None:
    return _read_index(value) or None


def _read_port(value: object) -> int | None:
    port = _read_count(value)
    return port if port is not None and port < 2**16 else None


def _read_seconds(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value <= _MAX_SECS else None


def _read_size(value: object) -> int | None:
    if isinstance(value, str) and _PRODUCT.fullmatch(value):
        value = prod(int(factor) for factor in value.split("*"))
    return _read_count(value)


def _read_pair(value: object) -> float | tuple[float, float] | None:
    if isinstance(value, str) and (match := _PAIR.fullmatch(value)):
        value = match.groups()
    if not isinstance(value, tuple | list):
        return _read_seconds(value)
    numbers = tuple(number for item in value if (number := _read_seconds(item)))
    return (numbers[0], numbers[1]) if len(numbers) == len(value) == 2 else None


def _read_perm(value: object) -> int | None:
    if isinstance(value, str):
        value = int(value, 8) if _PERM.fullmatch(value) else None
    perm = _read_index(value)
    return perm if perm is not None and perm <= _MAX_PERM else None


def _read_secret(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _read_text(value: object) -> str | None:
    text = _read_secret(value)
    return text if text and not CONTROL.search(text) else None


def _read_path(value: object) -> str | None:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    return path if isinstance(path, str) and path and "\0" not in path else None


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str | None]:
    def read(value: object) -> str | None:
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return read


_read_host = _matching(_HOST)


def _read_hosts(value: object) -> tuple[tuple[str, int | None], ...] | None:
    """Take ``[(host, port), ...]``, where a port of None leaves it to the store."""
    if not isinstance(value, list | tuple) or len(value) < 2:
        return None
    pairs = [item for item in value if isinstance(item, list | tuple)]
    good = tuple(
        (str(host), _read_port(port))
        for host, port in (pair for pair in pairs if len(pair) == 2)
        if _read_host(host) and (port is None or _read_port(port))
    )
    return good if len(good) == len(value) else None


def flag(meaning: str) -> Option:
    """Return an option that is true or false; a bare ``?name`` is true."""
    return Option(_read_bool, "true or false", meaning)


def count(meaning: str) -> Option:
    """Return an option that is a whole number, at least 1."""
    return Option(_read_count, "a whole number, at least 1", meaning)


def index(meaning: str) -> Option:
    """Return an option that is a whole number, at least 0."""
    return Option(_read_index, "a whole number, at least 0", meaning)


def seconds(meaning: str) -> Option:
    """Return an option that is a time in seconds, above 0 and at most 10⁹."""
    return Option(_read_seconds, "a number of seconds above 0, such as 2.5", meaning)


def size(meaning: str) -> Option:
    """Return an option that is a number of bytes, at least 1."""
    return Option(_read_size, "a number of bytes, such as 4*1024*1024", meaning)


def text(meaning: str, *, hidden: bool = False) -> Option:
    """Return an option that is text on one line, not empty."""
    return Option(_read_text, "text on one line, not empty", meaning, hidden)


def secret(meaning: str) -> Option:
    """Return an option that is any text but the empty one, and is never shown."""
    return Option(_read_secret, "text, not empty", meaning, hidden=True)


def bucket(meaning: str, *, hidden: bool = False) -> Option:
    """Return an option that names a bucket or container."""
    expected = "a name of letters, digits, dots, hyphens and underscores"
    return Option(_matching(_BUCKET), expected, meaning, hidden)


def anything(meaning: str) -> Option:
    """Return an option that the store itself checks and that is never shown."""
    return Option(lambda value: value, "given", meaning, hidden=True)


PATH: Final = Option(
    _read_path, "a folder: text or a path, not empty, without NUL", "The folder."
)
PERM: Final = Option(
    _read_perm,
    "an octal mode up to 777, such as 640",
    "Permissions of the files, in octal; else the umask decides.",
)
PAIR: Final = Option(
    _read_pair,
    "seconds, or a pair of seconds such as (20,100)",
    "Seconds to wait for a connection, and for an answer.",
)
HOST: Final = Option(
    _read_host, "a host name or an IP address", "The server.", hidden=True
)
PORT: Final = Option(
    _read_port, "a number from 1 to 65535", "The port of the server.", hidden=True
)
HOSTS: Final = Option(
    _read_hosts,
    "two or more pairs of a host and a port",
    "The servers of a cluster, or the sentinels.",
    hidden=True,
)
ENDPOINT: Final = Option(
    _matching(_ENDPOINT),
    "a host name or an IP address, with a port or without",
    "The server, as host or host:port; AWS when it is left out.",
    hidden=True,
)

UNIVERSAL: Final[Options] = {
    "create_if_missing": flag("Create the folder, bucket or container; the default."),
}
NETWORK: Final[Options] = {
    "timeout": seconds("Longest silence of the server, in seconds."),
    "max_connections": count("Connections kept open; for Redis the most there are."),
}
FS_OPTIONS: Final[Options] = {
    "fsync": flag("Whether a stored value survives a power cut; true by default."),
    "perm": PERM,
}
REDIS_OPTIONS: Final[Options] = {
    **NETWORK,
    "cluster": flag("The hosts are nodes of a Redis Cluster."),
    "sentinel": text("The hosts are sentinels that watch over this service name."),
    "wait": count("Replicas that have to have a write before it is acknowledged."),
}
S3_OPTIONS: Final[Options] = {
    **NETWORK,
    "is_secure": flag("Whether to speak HTTPS; true by default."),
    "verify": flag("Whether to check the certificate; true by default."),
    "region_name": text("The region, such as eu-central-1."),
    "session_token": secret("The token that belongs to temporary credentials."),
    "is_sts_credentials": flag("The credentials are there to assume a role."),
    "force_bucket_suffix": flag("Also look for the bucket named '-<access key>'."),
    "conditional": flag("The server honours If-Match, so it need not be probed."),
    "sts_assume_role__*": text("A parameter of AssumeRole, such as RoleArn."),
}
AZURE_OPTIONS: Final[Options] = {
    **NETWORK,
    "use_sas": flag("The account key is a shared access signature."),
    "max_block_size": size("Bytes of one block of an upload."),
    "max_single_put_size": size("Bytes up to which an upload is one request."),
    "socket_timeout": PAIR,
    "checksum": flag("Whether to send an MD5 along with each value."),
    "public": flag("Whether a container that is created can be read by anybody."),
    "connection_string": secret("What the portal shows, instead of account and key."),
    "default_endpoints_protocol": Option(
        _matching(re.compile("https?")), "http or https", "https by default."
    ),
    "blob_endpoint": text("URL of the service, for emulators and private clouds."),
}
GCS_OPTIONS: Final[Options] = {
    **NETWORK,
    "bucket_creation_location": text("Where a bucket is created, as EUROPE-WEST3."),
    "project": text("The project that a bucket is created in."),
}

KNOWN_OPTIONS: Final[Options] = {
    **UNIVERSAL,
    **FS_OPTIONS,
    **REDIS_OPTIONS,
    **S3_OPTIONS,
    **AZURE_OPTIONS,
    **GCS_OPTIONS,
}
"""Every option of the schemes that are built in."""


def find_option(options: Options, name: str) -> Option | None:
    """Return the option of this name, where a known name may end in ``*``."""
    stem, mark, rest = name.partition("__")
    return options.get(name) or (options.get(f"{stem}{mark}*") if rest else None)


def holds_secret(name: str) -> bool:
    """Return whether an option has a secret as its value, and not just in its name."""
    option = find_option(KNOWN_OPTIONS, name)
    return option.hidden if option else is_sensitive(name)


def read_value(name: str, option: Option, value: object) -> object:
    """Return the typed value of an option.

    Raises
    ------
    InvalidURL
        If the value is of no use; the message has it, unless it may be a secret.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # url2dict gives some options as a list, as upstream did
    result = option.read(value)
    if result is not None:
        return result
    is_hidden = option.hidden or is_sensitive(name) or not is_plain(value)
    shown = "" if is_hidden else f", not {show(value)}"
    raise InvalidURL(f"{name!r} has to be {option.expected}{shown}.")


def is_plain(value: object) -> bool:
    """Tell whether a value may be shown: it is no text with another option in it."""
    return not isinstance(value, str) or _PLAIN.fullmatch(value) is not None


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse an option that nobody knows.

    Behind a secret, the unknown name may be its rest after a ``&`` that is not
    percent-encoded, so it stays out of the message.

    Raises
    ------
    InvalidURL
        If there is one; the message names it and the known ones.
    """
    table = dict.fromkeys(known, anything(""))
    after_secret = False
    for name in names:
        if find_option(table, name):
            after_secret = after_secret or holds_secret(name)
        elif after_secret:
            raise InvalidURL(
                "An unknown option follows one whose value is a secret. Percent-encode "
                f"the value (& as %26). Known: {', '.join(sorted(table))}."
            )
        else:
            raise InvalidURL(unknown_name("option", name, table))
