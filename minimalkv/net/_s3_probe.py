"""Servers that say they speak S3 and ignore conditions: they would lose data."""

import contextlib
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Final, TypeAlias

from minimalkv._errors import (
    MinimalkvError,
    PreconditionFailed,
    StoreUnavailable,
    Unsupported,
)
from minimalkv.net._s3_body import member
from minimalkv.net._s3_calls import Calls

_log: Final = logging.getLogger("minimalkv")

_NEVER_AN_ETAG: Final = '"00000000000000000000000000000000"'
_Question: TypeAlias = tuple[str, str, str]
_CONDITIONS: Final[tuple[dict[str, str], ...]] = (
    {"IfNoneMatch": "*"},
    {"IfMatch": _NEVER_AN_ETAG},
)


class _Known:
    """What servers were found to do; it holds for every store of the process."""

    def __init__(self) -> None:
        # By server, bucket and verb.
        self.honours: dict[_Question, bool] = {}
        self.after_fork()
        os.register_at_fork(after_in_child=self.after_fork)

    def after_fork(self) -> None:
        # Who else wants to know waits for the one who finds out.
        self.asking: dict[_Question, Future[bool]] = {}


_known = _Known()


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
        ``put`` or ``delete``.

    Raises
    ------
    Unsupported
        If it ignores them; nothing of the caller's was written.
    StoreError
        If it could not be found out.
    """
    connection = calls.connection
    is_trusted = connection.settings.conditional or connection.is_aws
    if not is_trusted and not _honours(calls, prefix, verb):
        raise _ignored(calls, verb)


def require_complete(calls: Calls, prefix: str) -> None:
    """Make sure that a server completes a large upload on condition.

    That ``conditional=true`` says so is not enough: it may be meant for small values.
    Raises as `require_conditions` does.
    """
    if not _honours(calls, prefix, "complete"):
        raise _ignored(calls, "large uploads")


def copies_on_condition(calls: Calls, prefix: str) -> bool:
    """Tell whether a server looks at the conditions of a copy; few do.

    Raises
    ------
    Unsupported
        If the SDK is too old for them.
    StoreError
        If it could not be found out.
    """
    model = calls.connection.client.meta.service_model
    members = model.operation_model("CopyObject").input_shape.members
    if "IfMatch" not in members:
        # It would leave the condition out without a word.
        raise Unsupported(
            "Large values on condition need a newer SDK here: pip install -U boto3"
        )
    return _honours(calls, prefix, "copy")


def _ignored(calls: Calls, verb: str) -> Unsupported:
    return Unsupported(
        f"{calls.connection.server} ignores If-Match or If-None-Match for {verb}, so "
        "writes on condition would overwrite each other. Use a server that honours "
        "them (Amazon's and SeaweedFS do), or do without if_absent, if_match, add and "
        "update: ?conditional=false says so."
    )


def _honours(calls: Calls, prefix: str, verb: str) -> bool:
    asked = (calls.connection.client.meta.endpoint_url, calls.bucket.name, verb)
    if asked not in _known.honours:
        _known.honours[asked] = _find_out_once(asked, calls, prefix)
        answer = "honoured" if _known.honours[asked] else "ignored"
        _log.info("Conditions at %s, bucket %s, verb %s: %s", *asked, answer)
    return _known.honours[asked]


def _find_out_once(asked: _Question, calls: Calls, prefix: str) -> bool:
    mine: Future[bool] = Future()
    first = _known.asking.setdefault(asked, mine)
    if first is not mine:
        with contextlib.suppress(TimeoutError, CancelledError):
            return first.result(calls.connection.settings.timeout)
        return _find_out(calls, prefix, asked[-1])
    try:
        mine.set_result(_find_out(calls, prefix, asked[-1]))
    except MinimalkvError as error:
        mine.set_exception(error)
    finally:
        _known.asking.pop(asked, None)
        mine.cancel()  # of no effect unless this was interrupted
    return mine.result()


def _find_out(calls: Calls, prefix: str, verb: str) -> bool:
    try:
        return _probe(calls, prefix, verb)
    except StoreUnavailable as error:
        reason = str(error).removesuffix(" It may have happened.")
        reason = reason.removesuffix(" Nothing was written.")
        raise StoreUnavailable(
            f"Whether the server honours conditions could not be found out: {reason} "
            "Nothing was written."
        ) from error.__cause__


def _probe(calls: Calls, prefix: str, verb: str) -> bool:
    name = f"{prefix};mkv-probe-{uuid.uuid4().hex}"
    deadline = time.monotonic() + calls.connection.settings.timeout
    try:
        calls("put_object", Key=name, Body=b"")
        return all(_is_refused(write) for write in _writes(calls, name, verb))
    finally:
        # To a server that is silent it would be another wait as long.
        if time.monotonic() < deadline:
            with contextlib.suppress(MinimalkvError):
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
    send: Callable[..., object] = partial(calls, f"{verb}_object", name, Key=name)
    if verb == "put":
        send = partial(send, Body=b"")
    elif verb == "copy":
        # Onto itself, a copy is refused unless it changes something.
        send = partial(send, CopySource=name, MetadataDirective="REPLACE")
    else:
        send = partial(_complete, calls, name)
    for condition in _CONDITIONS:
        yield partial(send, **condition)


def _complete(calls: Calls, name: str, **condition: Any) -> None:
    create = "create_multipart_upload"
    upload_id = calls(create, name, then=member("UploadId"), Key=name)
    upload = {"Key": name, "UploadId": upload_id}
    try:
        part = {**upload, "PartNumber": 1, "Body": b""}
        etag = calls("upload_part", name, then=member("ETag"), **part)
        listed = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        calls(
            "complete_multipart_upload",
            name,
            **upload,
            MultipartUpload=listed,
            **condition,
        )
    except MinimalkvError:
        with contextlib.suppress(MinimalkvError):
            calls("abort_multipart_upload", name, **upload)
        raise
