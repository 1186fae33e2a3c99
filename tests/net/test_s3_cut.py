"""Answers of S3 that are cut, or say less than they have to: never a success."""

from collections.abc import Callable
from typing import Any

import pytest

from minimalkv import StoreError, StoreUnavailable, Unsupported
from minimalkv.net import _s3_copy, _s3_upload
from tests.net.backend import S3, one_of
from tests.net.uses import LARGE_BYTES, VALUE, BrokenSource, Source
from tests.proxy import Answer, Cut, Proxy, Request, Stall

backend = one_of("s3")

_MIB = 2**20
_UNKNOWN = "may have happened"
_ERROR = (
    "<DeleteResult><Error><Key>{key}</Key><Code>{code}</Code></Error></DeleteResult>"
)


def _is_copy(request: Request) -> bool:
    return "x-amz-copy-source" in request.headers


def _is_create(request: Request) -> bool:
    return "uploads" in request.query


def _is_complete(request: Request) -> bool:
    return request.method == "POST" and "uploadId" in request.query


def _is_deletion(request: Request) -> bool:
    return "delete" in request.query


def _is_abort(request: Request) -> bool:
    return request.method == "DELETE" and "uploadId" in request.query


def _answer(body: str, **options: Any) -> Answer:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    return Answer(f"{head}{body}".encode(), **options)


def _put_large(store: Any, **options: Any) -> None:
    store.put_file("large", Source(6 * _MIB), **options)


_CUT_SHORT: dict[str, tuple[Callable[[Request], bool], Callable[[Any], object]]] = {
    "copy": (_is_copy, lambda store: store.copy("key", "new")),
    "move": (_is_copy, lambda store: store.move("key", "new")),
    "create": (_is_create, _put_large),
    "complete": (_is_complete, _put_large),
    "large on condition": (_is_copy, lambda s: _put_large(s, if_absent=True)),
    "delete": (_is_deletion, lambda store: store.delete_many(["key", "other"])),
}


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("name", _CUT_SHORT)
@pytest.mark.parametrize("place", [{"body": 0}, {"before": "content-length"}])
def test_cut_answer_is_no_success(
    store: Any, proxy: Proxy, name: str, place: dict[str, Any]
) -> None:
    is_meant, use = _CUT_SHORT[name]
    if name == "large on condition":
        store.put_file("other large", Source(6 * _MIB), if_absent=True)
    fault = proxy.fault = Cut(on=is_meant, **place)
    with pytest.raises(StoreError, match=_UNKNOWN):
        use(store)
    assert fault.happened
    proxy.fault = None
    if name == "move":
        assert store.get("key") == VALUE


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize("name", _CUT_SHORT)
def test_empty_answer_is_no_success(store: Any, proxy: Proxy, name: str) -> None:
    is_meant, use = _CUT_SHORT[name]
    if name == "large on condition":
        store.put_file("other large", Source(6 * _MIB), if_absent=True)
    fault = proxy.fault = _answer("", on=is_meant)
    with pytest.raises(StoreError, match=_UNKNOWN):
        use(store)
    proxy.fault = None
    assert fault is not None
    assert store.get("key") == VALUE


@pytest.mark.usefixtures("no_pauses")
def test_answer_without_its_upload_is_not_a_missing_key(
    store: Any, proxy: Proxy
) -> None:
    body = "<InitiateMultipartUploadResult></InitiateMultipartUploadResult>"
    proxy.fault = _answer(body, on=_is_create)
    with pytest.raises(StoreUnavailable, match="UploadId"):
        _put_large(store)


# Deleting many.


@pytest.mark.usefixtures("no_pauses")
def test_key_that_is_busy_is_deleted_with_another_request(
    store: Any, proxy: Proxy
) -> None:
    busy = _ERROR.format(key="key", code="SlowDown")
    proxy.fault = _answer(busy, on=_is_deletion, times=2)
    store.delete_many(["key", "other"])
    assert "key" not in store
    store.put("key", b"value")
    proxy.fault = _answer(busy, on=_is_deletion)
    with pytest.raises(StoreUnavailable) as caught:
        store.delete_many(["key", "other"])
    assert set(caught.value.failed_keys) == {"key"}


def test_key_that_is_not_there_is_deleted(
    backend: S3, store: Any, proxy: Proxy
) -> None:
    proxy.fault = _answer(_ERROR.format(key="key", code="NoSuchKey"), on=_is_deletion)
    store.delete_many(["key"])
    proxy.fault = backend.refusal(404, "NoSuchKey")
    store.delete("key")


def test_deletion_of_what_nobody_asked_for_fails_for_all(
    store: Any, proxy: Proxy
) -> None:
    for body in (
        _ERROR.format(key="foreign", code="InternalError"),
        "<DeleteResult><Error><Code>InternalError</Code></Error></DeleteResult>",
    ):
        proxy.fault = _answer(body, on=_is_deletion)
        with pytest.raises(StoreError, match="nobody asked for") as caught:
            store.delete_many(["key", "other"])
        assert set(caught.value.failed_keys) == {"key", "other"}


# What is left behind.


@pytest.mark.parametrize(("status", "code"), [(501, "NotImplemented"), (404, "")])
def test_failing_abort_hides_nothing(
    backend: S3, store: Any, proxy: Proxy, status: int, code: str
) -> None:
    fault = proxy.fault = backend.refusal(status, code or "NoSuchKey", on=_is_abort)
    with pytest.raises(RuntimeError, match="source broke"):
        store.put_file("large", BrokenSource(bytes(LARGE_BYTES)))
    writer = store.open_writer("large")
    writer.write(bytes(LARGE_BYTES))
    writer.abort()
    assert fault is not None
    assert "large" not in store


def test_copy_that_takes_longer_than_the_timeout_goes_in_parts(
    store: Any, hasty: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_copy, "COPY_PART_BYTES", 5 * _MIB)
    _put_large(store)
    fault = proxy.fault = Stall(on=_is_copy, times=1)
    hasty.copy("large", "copy")
    assert fault.happened == 1
    assert store.head("copy").size == 6 * _MIB
    # What is not larger than a part can only be waited for.
    proxy.fault = Stall(on=_is_copy, times=1)
    with pytest.raises(StoreUnavailable, match="in time"):
        hasty.copy("key", "copy")


def test_copy_that_may_go_on_keeps_its_source(
    backend: S3, store: Any, hasty: Any, proxy: Proxy
) -> None:
    _put_large(store, if_absent=True)
    store.delete("large")
    proxy.fault = Stall(on=_is_copy)
    with pytest.raises(StoreUnavailable, match=_UNKNOWN):
        _put_large(hasty, if_absent=True)
    proxy.fault = None
    left = {name for name in backend.raw_names(store) if name.startswith(";mkv-tmp/")}
    assert len(left) == 1
    store.bucket.Object(*left).delete()


def test_headers_of_a_copy_in_parts_need_not_be_ascii(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_copy, "COPY_PART_BYTES", 5 * _MIB)
    monkeypatch.setattr(_s3_copy, "LARGEST_COPY_BYTES", 5 * _MIB)
    headers = {"Content-Disposition": 'attachment; filename="ü.txt"'}
    _put_large(store, headers=headers)
    proxy.fault = S3.refusal(
        400,
        "EntityTooLarge",
        on=lambda request: _is_copy(request) and "partNumber" not in request.query,
    )
    store.copy("large", "copy")
    assert store.head("copy").headers == headers


def test_conditional_value_that_no_copy_can_hold_is_refused_in_time(
    backend: S3, store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_upload, "LARGEST_COPY_BYTES", 12 * _MIB)
    store.put_file("at most", Source(12 * _MIB), if_absent=True)
    unfinished = backend.unfinished(store, [])
    proxy.reset_counts()
    with pytest.raises(Unsupported, match="on condition"):
        store.put_file("more", Source(200 * _MIB), if_absent=True)
    assert sum(map(backend.is_part, proxy.requests)) < 8
    assert "more" not in store
    assert backend.unfinished(store, []) == unfinished
