"""Engines that do less than Amazon's: what they can do works, the rest is named."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import md5
from typing import Any

import pytest

from minimalkv import (
    KeyExists,
    StoreError,
    StoreUnavailable,
    Unsupported,
    get_store_from_url,
)
from minimalkv._contract.tools import together
from minimalkv.net import _s3_probe
from tests.backends.process import HOST
from tests.net import s3_engine
from tests.net.s3_engine import Engine, Reply, Seen
from tests.net.uses import Source

_LARGE_BYTES = 6 * 2**20


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    # Ports are used again, by engines of another kind.
    monkeypatch.setattr(_s3_probe, "_known", _s3_probe._Known())
    with s3_engine.running() as engine:
        yield engine


def _opened(engine: Engine, query: str = "timeout=5") -> Any:
    url = f"hs3://AKID:secret@{HOST}:{engine.port}/bucket?is_secure=false&{query}"
    return closing(get_store_from_url(url))


def _refusal(status: int, code: str, message: str = "because") -> Reply:
    text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, text.encode())


def _etag(data: bytes) -> str:
    return f'"{md5(data, usedforsecurity=False).hexdigest()}"'


# Conditions.


class _ByUpload:
    """Honours conditions of a put and of an upload, not of a copy."""

    def __init__(self, *, completes: bool = True) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[int, bytes] = {}
        self._completes = completes

    def __call__(self, seen: Seen, body: bytes) -> Reply | None:
        if seen.method == "POST":
            return self._post(seen)
        if seen.method == "PUT" and "uploadId" in seen.query:
            self.parts[int(seen.query["partNumber"])] = body
            return Reply(200, headers={"ETag": _etag(body)})
        if "x-amz-copy-source" in seen.headers:
            text = "<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"
            return Reply(200, text.encode())
        if seen.method == "PUT":
            return self._put(seen, body)
        if seen.method == "DELETE" and "uploadId" not in seen.query:
            self.objects.pop(seen.path, None)
        return Reply(204) if seen.method == "DELETE" else None

    def _post(self, seen: Seen) -> Reply:
        if "uploads" in seen.query:
            self.parts.clear()
            text = "<A><UploadId>u</UploadId></A>"
            return Reply(200, text.encode())
        if self._completes and self._is_lost(seen):
            return _refusal(412, "PreconditionFailed")
        self.objects[seen.path] = b"".join(dict(sorted(self.parts.items())).values())
        return Reply(200, b"<A><ETag>x</ETag></A>")

    def _put(self, seen: Seen, body: bytes) -> Reply:
        if self._is_lost(seen):
            return _refusal(412, "PreconditionFailed")
        self.objects[seen.path] = body
        return Reply(200, headers={"ETag": _etag(body)})

    def _is_lost(self, seen: Seen) -> bool:
        is_there = seen.path in self.objects
        wanted = seen.headers.get("if-match")
        is_other = wanted is not None and _etag(self.objects[seen.path]) != wanted
        return is_other or ("if-none-match" in seen.headers and is_there)


@pytest.mark.parametrize("query", ["timeout=5", "conditional=true"])
def test_upload_has_the_condition_where_a_copy_ignores_it(
    engine: Engine, query: str
) -> None:
    script = engine.script = _ByUpload()
    with _opened(engine, query) as store:
        store.put_file("key", Source(_LARGE_BYTES), if_absent=True)
        assert script.objects["/bucket/key"] == bytes(_LARGE_BYTES)
        store.put("other", b"somebody's")
        with pytest.raises(KeyExists):
            store.put_file("other", Source(_LARGE_BYTES), if_absent=True)
    assert script.objects["/bucket/other"] == b"somebody's"
    assert script.objects.keys() == {"/bucket/key", "/bucket/other"}


@pytest.mark.parametrize("query", ["timeout=5", "conditional=true"])
def test_large_conditional_value_is_refused_where_nothing_honours_it(
    engine: Engine, query: str
) -> None:
    script = engine.script = _ByUpload(completes=False)
    with _opened(engine, query) as store:
        store.put("key", b"somebody's", if_absent=True)
        with pytest.raises(Unsupported, match="for large uploads"):
            store.put_file("key", Source(_LARGE_BYTES), if_absent=True)
    assert script.objects == {"/bucket/key": b"somebody's"}


def test_threads_find_out_together(engine: Engine) -> None:
    engine.script = _ByUpload()
    with _opened(engine) as store:
        together(8, lambda number: store.add(f"key-{number}", b"value"))
    # Three of the trial, its clean-up, and the eight.
    assert len(engine.seen) == 4 + 8


def test_trial_of_a_silent_server_ends_in_time(engine: Engine) -> None:
    released = threading.Event()

    def be_silent(seen: Seen, body: bytes) -> None:
        del seen, body
        released.wait(20)

    engine.script = be_silent
    with _opened(engine, "timeout=0.3") as store:
        try:
            with pytest.raises(StoreUnavailable, match="Nothing was written") as caught:
                store.add("key", b"value")
            assert "may have happened" not in str(caught.value)
            assert len(engine.seen) == 1
        finally:
            released.set()


# Checksums.


def _refuses_new_checksums(seen: Seen, body: bytes) -> Reply | None:
    if any("x-amz-checksum" in name for name in seen.headers):
        name = "x-amz-checksum-crc32"
        return _refusal(501, "NotImplemented", f"Header '{name}' is not implemented")
    if seen.method == "PUT" and "content-md5" not in seen.headers:
        return _refusal(400, "MissingContentMD5")
    if seen.method == "POST" and "delete" in seen.query:
        is_summed = "content-md5" in seen.headers
        answer = Reply(200, b"<DeleteResult></DeleteResult>")
        return answer if is_summed else _refusal(400, "MissingContentMD5")
    return None


def test_engine_without_the_checksums_of_today_can_be_used(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = _ByUpload()

    def script(seen: Seen, body: bytes) -> Reply | None:
        return _refuses_new_checksums(seen, body) or upload(seen, body)

    engine.script = script
    with _opened(engine) as store:
        with pytest.raises(Unsupported, match="CALCULATION=when_required"):
            store.put("key", b"value")
        store.delete_many(["key", "other"])
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
    with _opened(engine) as store:
        store.put("key", b"value")
        store.put_file("large", Source(_LARGE_BYTES))
        store.delete_many(["key", "other"])
    assert upload.objects["/bucket/large"] == bytes(_LARGE_BYTES)


# Answers.


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_named(engine: Engine, status: int) -> None:
    place = {"Location": "https://s3.example.org:8443/bucket/key"}
    engine.script = lambda *_: Reply(status, headers=place)
    uses: tuple[Callable[[Any], object], ...] = (
        lambda store: store.get("key"),
        lambda store: store.put("key", b"value"),
        lambda store: store.keys(),
    )
    with _opened(engine) as store:
        for use in uses:
            with pytest.raises(StoreError, match=r"https://s3.example.org:8443\b"):
                use(store)
    assert len(engine.seen) == len(uses)


@pytest.mark.parametrize("data", [b"0123456789", b""])
def test_range_may_be_ignored(engine: Engine, data: bytes) -> None:
    engine.script = lambda *_: Reply(200, data, {"ETag": _etag(data)})
    with _opened(engine) as store:
        assert store.head("key").size == len(data)
        assert "key" in store
        with store.open("key") as file:
            assert file.read() == data
            file.seek(3)
            assert file.read(2) == data[3:5]
        for start, stop in ((0, 4), (2, 5), (9, None), (-3, None), (20, 30)):
            with store.stream("key", start, stop)[1] as file:
                assert file.read() == data[start:stop]


def test_range_that_is_ignored_by_a_server_that_breaks_off(engine: Engine) -> None:
    told = {"ETag": '"e"', "Content-Length": "100", "Connection": "close"}
    engine.script = lambda *_: Reply(200, b"0123456789", told)
    with _opened(engine) as store:
        for span in ((0, 50), (50, 60)):
            with pytest.raises(StoreUnavailable):
                store.stream("key", *span)[1].read()


def test_value_may_come_without_its_length(engine: Engine) -> None:
    chunked = {"Transfer-Encoding": "chunked", "ETag": '"e"'}
    engine.script = lambda *_: Reply(200, b"5\r\nvalue\r\n0\r\n\r\n", chunked)
    with _opened(engine) as store:
        assert store.get("key") == b"value"
        with pytest.raises(StoreUnavailable, match="without its length"):
            store.head("key")
    cut = {**chunked, "Connection": "close"}
    engine.script = lambda *_: Reply(200, b"5\r\nvalue\r\n5\r\nval", cut)
    with _opened(engine) as store, pytest.raises(StoreUnavailable):
        store.get("key")


def test_listing_that_goes_round_ends(engine: Engine) -> None:
    page = (
        "<ListBucketResult><IsTruncated>true</IsTruncated>"
        "<NextContinuationToken>again</NextContinuationToken></ListBucketResult>"
    )
    engine.script = lambda *_: Reply(200, page.encode())
    with _opened(engine) as store, pytest.raises(StoreUnavailable, match="twice"):
        store.keys()
    assert len(engine.seen) == 2


# Servers that have no time.

_BUSY = _refusal(503, "SlowDown")


def test_busy_server_is_given_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    engine.script = lambda *_: _BUSY if len(engine.seen) < 8 else None
    with _opened(engine, "timeout=60") as store:
        store.put("key", b"value")
    assert len(engine.seen) == 8
    assert pauses[:3] == sorted(pauses[:3])
    assert pauses[0] <= 0.1
    assert 2.5 <= pauses[-1] <= 5


def test_busy_server_says_how_long_it_wants(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    with _opened(engine, "timeout=60") as store:
        wait = _BUSY._replace(headers={"Retry-After": "7"})
        engine.script = lambda *_: wait if len(engine.seen) < 2 else None
        store.put("key", b"value")
        assert pauses == [7]
        # Longer than a call may take is not waited for.
        too_long = _BUSY._replace(headers={"Retry-After": "3600"})
        engine.script = lambda *_: too_long
        with pytest.raises(StoreUnavailable, match="SlowDown"):
            store.put("key", b"value")
        assert pauses == [7]
