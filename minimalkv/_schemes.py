"""What a URL means to each family of stores: its shape, parameters and rules."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from minimalkv import _options as options
from minimalkv._errors import InvalidURL
from minimalkv._options import Options

if TYPE_CHECKING:
    from minimalkv._urls import ParsedURL

Params: TypeAlias = dict[str, object]

_ENCODE = "Percent-encode user and password (/ as %2F, + as %2B)."


class Family(NamedTuple):
    """One kind of URL, shared by a scheme, its 'h' variant and its aliases.

    Attributes
    ----------
    example : str
        The shape of the URL, for messages and documentation.
    parameters : mapping of str to Option
        What `get_store` takes and the URL says outside of its options.
    options : mapping of str to Option
        What a URL takes behind the question mark, and `get_store` too.
    required : str
        The parameter without which there is no store; empty when there is none.
    read_url : callable
        Takes the parameters from a parsed URL, as text.
    check : callable
        Raises `InvalidURL` when typed parameters contradict each other.
    """

    example: str
    parameters: Options
    options: Options
    required: str
    read_url: "Callable[[ParsedURL], Params]"
    check: Callable[[Mapping[str, object]], None]


def _agree(params: Mapping[str, object]) -> None:
    """Nothing can contradict anything here."""


def _memory_url(url: "ParsedURL") -> Params:
    if url.path not in ("", "/"):
        raise InvalidURL("A memory store has no name: write just 'memory://'.")
    return {}


def _fs_url(url: "ParsedURL") -> Params:
    if not url.path:
        raise InvalidURL(
            "Name a folder: 'hfs:///var/data' (absolute) or 'hfs://./data' (relative)."
        )
    return {"path": url.path}


def _redis_url(url: "ParsedURL") -> Params:
    params: Params = {}
    if len(url.hosts) > 1:
        params["hosts"] = url.hosts
    else:
        params |= {"host": url.host or "localhost", "port": url.port}
    if url.password is None:
        params["password"] = url.username or None
    else:
        params |= {"username": url.username or None, "password": url.password or None}
    db = url.path.removeprefix("/")
    return params | ({"db": db} if db else {})


def _check_redis(params: Mapping[str, object]) -> None:
    cluster, sentinel = params.get("cluster"), params.get("sentinel")
    if cluster and sentinel:
        raise InvalidURL("A Redis is a cluster or watched by sentinels: drop one.")
    if "hosts" in params and not (cluster or sentinel):
        raise InvalidURL(
            "Several hosts need '?cluster=true', or '?sentinel=NAME' with the name of "
            "the service."
        )


def _s3_url(url: "ParsedURL") -> Params:
    bucket, _, prefix = url.path.removeprefix("/").partition("/")
    if len(url.hosts) > 1:
        raise InvalidURL("S3 has one endpoint, not several.")
    if not bucket:
        name = url.host or "bucket"
        raise InvalidURL(
            f"The bucket is in the path: 's3:///{name}' on AWS, "
            f"'s3://endpoint/{name}' elsewhere."
        )
    host = f"[{url.host}]" if ":" in url.host else url.host
    params: Params = {"bucket": bucket, "object_prefix": prefix or None}
    if host:
        params["host"] = host if url.port is None else f"{host}:{url.port}"
    elif url.port is not None:
        raise InvalidURL("There is a port, but no host in front of it.")
    keys = {"access_key": url.username or None, "secret_key": url.password or None}
    return params | keys


def _check_s3(params: Mapping[str, object]) -> None:
    if ("access_key" in params) != ("secret_key" in params):
        raise InvalidURL(
            "An access key needs its secret key, as in 's3://key:secret@endpoint/"
            "bucket'; without both, the AWS default chain finds credentials."
        )


def _bucket_host(url: "ParsedURL", kind: str, family: str) -> str:
    """Return the only thing that may stand behind the ``@`` of these URLs."""
    if url.path not in ("", "/"):
        raise InvalidURL(
            f"A {kind} has no path: write '{family}+prefix(photos-)://…' for a part "
            f"of it. {_ENCODE}"
        )
    if len(url.hosts) > 1 or url.port is not None:
        raise InvalidURL(f"Only the name of one {kind} stands there. {_ENCODE}")
    return url.host


def _azure_url(url: "ParsedURL") -> Params:
    container = _bucket_host(url, "container", "azure")
    if not container:
        raise InvalidURL("Name the container: 'azure://account:key@container'.")
    params: Params = {"container": container}
    if url.username is not None:
        params |= {"account_name": url.username, "account_key": url.password}
    return params


def _check_azure(params: Mapping[str, object]) -> None:
    if "account_name" not in params and "connection_string" not in params:
        raise InvalidURL(
            "Name the account: 'azure://account:key@container', or "
            "'azure://account@container' for the default credential, or give a "
            "percent-encoded ?connection_string=."
        )
    if not params.get("use_sas"):
        return
    if params.get("create_if_missing"):
        raise InvalidURL(
            "create_if_missing is incompatible with the use of SAS tokens: they "
            "cannot create a container. Set create_if_missing to false."
        )
    if "account_key" not in params:
        raise InvalidURL(
            "use_sas needs the token: 'azure://account:token@container?use_sas'."
        )


def _gcs_url(url: "ParsedURL") -> Params:
    bucket = _bucket_host(url, "bucket", "gcs")
    if not bucket:
        raise InvalidURL("Name the bucket: 'gcs://bucket'.")
    params: Params = {"bucket_name": bucket}
    if url.username:
        params["credentials"] = _service_account(url.username, url.password)
    return params


def _service_account(encoded: str, rest: str | None) -> bytes:
    """Return the JSON of a service account; errors carry nothing of it."""
    import base64  # with json, a fifth of what importing all this takes
    import json

    if rest is None:
        padded = encoded + "=" * (-len(encoded) % 4)
        with suppress(ValueError, RecursionError):
            text = base64.b64decode(padded.encode("ascii"), b"-_", validate=True)
            if isinstance(json.loads(text), dict):
                return text
    raise InvalidURL(
        "What stands before the @ is no service account: take the JSON file, encode it "
        "as URL-safe base64, and write 'gcs://<base64>@bucket'."
    )


MEMORY: Final = Family("memory://", {}, {}, "", _memory_url, _agree)
FS: Final = Family(
    "fs:///folder", {"path": options.PATH}, options.FS_OPTIONS, "path", _fs_url, _agree
)
REDIS: Final = Family(
    "redis://[[user:]password@]host[:port][/db]",
    {
        "host": options.HOST,
        "port": options.PORT,
        "hosts": options.HOSTS,
        "username": options.secret("The user of Redis 6 and later."),
        "password": options.secret("The password."),
        "db": options.index("The number of the database; 0 by default."),
    },
    options.REDIS_OPTIONS,
    "",
    _redis_url,
    _check_redis,
)
S3: Final = Family(
    "s3://[key:secret@][endpoint[:port]]/bucket[/prefix]",
    {
        "host": options.ENDPOINT,
        "access_key": options.secret("The id of the access key."),
        "secret_key": options.secret("The secret of the access key."),
        "bucket": options.bucket("The bucket."),
        "object_prefix": options.text("Stands before every key in the bucket."),
    },
    options.S3_OPTIONS,
    "bucket",
    _s3_url,
    _check_s3,
)
AZURE: Final = Family(
    "azure://account[:key]@container",
    {
        "account_name": options.secret("The storage account."),
        "account_key": options.secret("Its key, or with use_sas the token."),
        "container": options.bucket("The container.", hidden=True),
    },
    options.AZURE_OPTIONS,
    "container",
    _azure_url,
    _check_azure,
)
GCS: Final = Family(
    "gcs://[<base64 of JSON>@]bucket",
    {
        "credentials": options.anything("Service account: JSON, its path, an object."),
        "bucket_name": options.bucket("The bucket.", hidden=True),
    },
    options.GCS_OPTIONS,
    "bucket_name",
    _gcs_url,
    _agree,
)


def typed_params(family: Family, given: Mapping[str, object]) -> Params:
    """Return checked, typed parameters; those that are None count as not given.

    Parameters
    ----------
    family : Family
        What the parameters are for.
    given : mapping of str to object
        Typed values, or the text of a URL. Every name has to be known.

    Raises
    ------
    InvalidURL
        If a value is of no use, one is missing, or two contradict each other.
    """
    table = {**options.UNIVERSAL, **family.options, **family.parameters}
    typed: Params = {}
    for name, value in given.items():
        option = options.find_option(table, name)
        if option is not None and value is not None:
            typed[name] = options.read_value(name, option, value)
    if family.required and family.required not in typed:
        raise InvalidURL(f"{family.required!r} is missing, as in '{family.example}'.")
    family.check(typed)
    return typed
