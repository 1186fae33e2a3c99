"""Servers that say they speak S3 and ignore conditions: they would lose data."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from minimalkv._errors import PreconditionFailed, StoreError, Unsupported
from minimalkv.net._s3_calls import Calls

_NEVER_AN_ETAG: Final = '"00000000000000000000000000000000"'

# Server, bucket and verb; what a server does it does for every store of the process.
_honours: dict[tuple[str, str, str], bool] = {}


def require_conditions(calls: Calls, prefix: str, verb: str) -> None:
    """Make sure, once in a process, that a server looks at the conditions of a verb.

    Amazon's does; of another one this is found out on an object of our own, which is
    deleted again. The option ``conditional=true`` trusts the server instead.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    prefix : str
        What the names of the store's objects begin with.
    verb : str
        ``put``, ``delete`` or ``copy``.

    Raises
    ------
    Unsupported
        If it ignores them; nothing of the caller's was written.
    StoreError
        If it could not be found out.
    """
    connection = calls.connection
    if verb == "copy":
        _require_parameters(calls)
    if connection.settings.conditional or connection.is_aws:
        return
    server = connection.client.meta.endpoint_url
    asked = (server, calls.bucket.name, verb)
    if asked not in _honours:
        _honours[asked] = _probe(calls, prefix, verb)
    if not _honours[asked]:
        raise Unsupported(
            f"{urlsplit(server).netloc} ignores If-Match or If-None-Match for {verb}, "
            "so writes on condition would overwrite each other. Use a server that "
            "honours them (Amazon's and SeaweedFS do), or do without if_absent, "
            "if_match, add and update: ?conditional=false says so."
        )


def _require_parameters(calls: Calls) -> None:
    """Refuse a botocore that would leave the condition out without a word."""
    model = calls.connection.client.meta.service_model
    members = model.operation_model("CopyObject").input_shape.members
    if "IfMatch" not in members:
        raise Unsupported(
            "Large values on condition need a newer SDK here: pip install -U boto3"
        )


def _probe(calls: Calls, prefix: str, verb: str) -> bool:
    name = f"{prefix};mkv-probe-{uuid.uuid4().hex}"
    try:
        calls("put_object", Key=name, Body=b"")
        return all(_is_refused(write) for write in _writes(calls, name, verb))
    finally:
        with contextlib.suppress(StoreError):
            calls("delete_object", Key=name)


def _is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except PreconditionFailed:
        return True
    return False


def _writes(calls: Calls, name: str, verb: str) -> Iterator[Callable[[], object]]:
    """Give writes that have to fail, since there is an empty object."""
    if verb == "delete":
        yield lambda: calls("delete_object", name, Key=name, IfMatch=_NEVER_AN_ETAG)
        return
    params: dict[str, Any] = {"Key": name}
    if verb == "put":
        params["Body"] = b""
    else:
        # Onto itself, a copy is refused unless it changes something.
        params |= {"CopySource": name, "MetadataDirective": "REPLACE"}
    operation = f"{verb}_object"
    yield lambda: calls(operation, name, **params, IfNoneMatch="*")
    yield lambda: calls(operation, name, **params, IfMatch=_NEVER_AN_ETAG)
