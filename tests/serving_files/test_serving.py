"""The same answers from Flask and Django, on every store."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import pytest
from pytest_django import Settings
from werkzeug.test import TestResponse

from minimalkv import get_store_from_url
from minimalkv._contract.tools import sample
from minimalkv.http import content_disposition
from tests.net.backend import KINDS
from tests.proxy import Proxy
from tests.serving import SERVERS
from tests.serving_files import sites
from tests.serving_files.sites import SITES, Source, Visitor
from tests.watched import WatchedStore

KEY = "a folder/picture.png"
VALUE = sample(1_000_003)
SIZE = len(VALUE)
LOCAL = ("memory", "files")
NO_TYPE = (302, 304, 405, 412, 416)


@pytest.fixture(scope="module", params=[*LOCAL, *SERVERS])
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def proxy(backend: str, request: pytest.FixtureRequest) -> Iterator[Proxy | None]:
    """Return what counts the requests to a server, if the store is on one."""
    if backend in LOCAL:
        yield None
        return
    with Proxy(request.getfixturevalue(backend).port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def store(
    backend: str,
    proxy: Proxy | None,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WatchedStore]:
    if proxy is None:
        folder = tmp_path_factory.mktemp("files")
        urls = {"memory": "hmemory://", "files": f"hfs://{folder}/data?fsync=false"}
        with get_store_from_url(urls[backend]) as inner:
            yield WatchedStore(inner)
    else:
        server = request.getfixturevalue(backend)
        kind = KINDS[server.scheme](server)
        with kind.opened(kind.url(), proxy.port) as inner:
            yield WatchedStore(inner)


@pytest.fixture(params=SITES)
def visitor(
    request: pytest.FixtureRequest,
    store: WatchedStore,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Visitor:
    settings.ROOT_URLCONF = sites.__name__
    monkeypatch.setattr(Source, "store", store)
    monkeypatch.setattr(Source, "options", {})
    store.recover()
    return Visitor(SITES[request.param]())


@pytest.fixture(scope="module", autouse=True)
def filled(store: WatchedStore) -> None:
    store.put(KEY, VALUE)
    store.put("empty.txt", b"")
    store.put("page.html", b"<script>alert(1)</script>")
    store.put("mkv-session-0", b"secret")
    # Redis is told once how to read a part.
    store.stream(KEY, 0, 1)[1].close()


class Cost(Protocol):
    """Tells the calls to the store since it was asked last.

    Each was one request to the server, but for those that are *more*.
    """

    def __call__(self, more: int = 0) -> list[str]: ...


@pytest.fixture
def cost(store: WatchedStore, proxy: Proxy | None) -> Cost:
    store.take_calls()
    if proxy is not None:
        proxy.reset_counts()

    def told(more: int = 0) -> list[str]:
        calls = store.take_calls()
        if proxy is not None:
            assert proxy.round_trips == len(calls) + more
            proxy.reset_counts()
        return calls

    return told


def is_whole(response: TestResponse) -> bool:
    length = response.headers["Content-Length"]
    return (response.status_code, length) == (200, str(SIZE)) and response.data == VALUE


def test_a_file_comes_whole_with_one_request(visitor: Visitor, cost: Cost) -> None:
    response = visitor.gets(KEY)

    assert is_whole(response)
    assert cost() == ["stream"]
    headers = dict(response.headers)
    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"] == content_disposition(
        "inline", "picture.png"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox;")
    assert headers["Cache-Control"] == "no-cache"
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"].startswith('"')


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1000-700000", 1000, 700_001),
        ("bytes=999000-", 999_000, SIZE),
        ("bytes=-1024", SIZE - 1024, SIZE),
        ("bytes=0-", 0, SIZE),
    ],
)
def test_a_part_comes_with_one_request(
    visitor: Visitor, backend: str, cost: Cost, asked: str, begin: int, end: int
) -> None:
    response = visitor.gets(KEY, Range=asked)

    assert response.status_code == 206
    assert response.data == VALUE[begin:end]
    assert response.headers["Content-Length"] == str(end - begin)
    assert response.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{SIZE}"
    # Azure knows no last bytes: the store has to ask for the size.
    is_asked_twice = backend == "azure_server" and asked.startswith("bytes=-")
    assert cost(more=is_asked_twice) == ["stream"]


def test_a_part_behind_the_end_is_refused(visitor: Visitor) -> None:
    response = visitor.gets(KEY, Range=f"bytes={SIZE}-")

    assert (response.status_code, response.data) == (416, b"")
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"


def test_ten_thousand_parts_are_one_whole_with_one_request(
    visitor: Visitor, cost: Cost
) -> None:
    asked = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))

    assert is_whole(visitor.gets(KEY, Range=asked))
    assert cost() == ["stream"]


def test_a_version_that_is_known_is_not_sent(
    visitor: Visitor, backend: str, cost: Cost
) -> None:
    first = visitor.gets(KEY, "HEAD").headers
    cost()
    known = [
        {"If_None_Match": first["ETag"]},
        {"If_None_Match": f'"x", W/{first["ETag"]}'},
    ]
    # Redis does not know when a value was stored.
    if backend != "redis_server":
        known.append({"If_Modified_Since": first["Last-Modified"]})
    for asked in known:
        response = visitor.gets(KEY, **asked)

        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == first["ETag"]
        assert "Content-Type" not in response.headers
        assert cost() == ["stream"]


def test_a_download_goes_on_only_in_the_same_version(
    visitor: Visitor, store: WatchedStore, cost: Cost
) -> None:
    store.put("changing.bin", VALUE)
    etag = visitor.gets("changing.bin", "HEAD").headers["ETag"]
    cost()

    goes_on = visitor.gets("changing.bin", Range="bytes=9-", If_Range=etag)
    assert (goes_on.status_code, goes_on.data) == (206, VALUE[9:])
    assert cost() == ["stream"]

    store.put("changing.bin", VALUE[::-1])
    cost()
    begins_again = visitor.gets("changing.bin", Range="bytes=9-", If_Range=etag)
    assert (begins_again.status_code, begins_again.data) == (200, VALUE[::-1])
    assert cost() == ["stream", "stream"]


def test_a_version_that_is_gone_is_a_failed_condition(visitor: Visitor) -> None:
    response = visitor.gets(KEY, If_Match='"x"')

    assert (response.status_code, response.data) == (412, b"")


def test_head_costs_one_request_and_sends_nothing(visitor: Visitor, cost: Cost) -> None:
    described = dict(visitor.gets(KEY).headers)
    cost()

    response = visitor.gets(KEY, "HEAD")

    assert (response.status_code, response.data) == (200, b"")
    assert dict(response.headers) == described
    assert cost() == ["head"]


def test_an_empty_file_is_a_file(visitor: Visitor) -> None:
    for asked in ({}, {"Range": "bytes=0-"}):
        response = visitor.gets("empty.txt", **asked)

        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["Content-Length"] == "0"


@pytest.mark.parametrize(
    "key",
    [
        "missing.png",
        "mkv-session-0",
        "%2e%2e/%2e%2e/etc/passwd",
        "a%00b",
        "a%0d%0ab",
        "%c3%a4",
        "a folder",
        "k" * 3000,
    ],
)
def test_what_is_no_file_is_not_found(visitor: Visitor, key: str) -> None:
    for method in ("GET", "HEAD"):
        assert visitor.gets(key, method).status_code == 404


def test_a_file_cannot_be_posted(visitor: Visitor, cost: Cost) -> None:
    response = visitor.gets(KEY, "POST")

    assert (response.status_code, response.data) == (405, b"")
    assert response.headers["Allow"] == "GET, HEAD"
    assert cost() == []


def test_a_page_is_saved_and_is_no_page(visitor: Visitor) -> None:
    for Source.options in ({}, {"as_attachment": False, "content_type": "text/html"}):
        headers = visitor.gets("page.html").headers

        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith("attachment;")


def test_the_options_of_the_core_are_there(visitor: Visitor) -> None:
    Source.options = {
        "download_name": "ä.txt",
        "as_attachment": True,
        "content_type": "text/plain",
        "cache_control": "private, max-age=5",
    }
    headers = visitor.gets(KEY).headers

    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Content-Disposition"] == content_disposition("attachment", "ä.txt")
    assert headers["Cache-Control"] == "private, max-age=5"


def test_an_outage_is_a_503_that_tells_nothing(
    visitor: Visitor, store: WatchedStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.fail()

    response = visitor.gets(KEY)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert b"store" not in response.data
    assert "does not answer" in caplog.text


def test_no_answer_without_a_body_says_that_it_is_a_page(visitor: Visitor) -> None:
    asked: list[dict[str, Any]] = [
        {"If_None_Match": "*"},
        {"If_Match": '"x"'},
        {"Range": f"bytes={SIZE}-"},
        {"method": "POST"},
    ]
    for options in asked:
        response = visitor.gets(KEY, **options)

        assert response.status_code in NO_TYPE
        assert "Content-Type" not in response.headers


@pytest.mark.parametrize("backend", ["files"], indirect=True)
def test_a_web_server_sends_a_file(visitor: Visitor, store: WatchedStore) -> None:
    Source.store = store._dstore
    for method in ("GET", "HEAD"):
        Source.options = {"mode": "accel", "accel_prefix": "/protected/"}
        response = visitor.gets(KEY, method)
        assert (response.status_code, response.data) == (200, b"")
        assert (
            response.headers["X-Accel-Redirect"] == "/protected/a%20folder/picture.png"
        )
        assert response.headers["Content-Type"] == "image/png"

        Source.options = {"mode": "accel"}
        sent = visitor.gets(KEY, method).headers["X-Sendfile"]
        assert Path(unquote(sent)).read_bytes() == VALUE

    assert visitor.gets("missing.png").status_code == 404


@pytest.mark.parametrize(
    "backend", ["s3_server", "azure_server", "gcs_server"], indirect=True
)
def test_the_store_sends_a_file(visitor: Visitor, cost: Cost) -> None:
    Source.options = {"mode": "redirect", "expires": 60}

    response = visitor.gets(KEY)

    assert (response.status_code, response.data) == (302, b"")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Location"].startswith("http://")
    assert cost() == ["head"]
    assert visitor.gets(KEY, "HEAD").status_code == 200
    assert visitor.gets("missing.png").status_code == 404


@pytest.mark.parametrize("backend", ["memory"], indirect=True)
@pytest.mark.parametrize("mode", ["redirect", "accel"])
def test_a_mode_that_the_store_cannot_do_is_a_mistake_in_the_log(
    visitor: Visitor, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    Source.options = {"mode": mode}

    assert visitor.gets(KEY).status_code == 500
    assert "Use mode='proxy'" in caplog.text


@pytest.mark.parametrize(
    "backend", ["s3_server", "azure_server", "gcs_server"], indirect=True
)
def test_a_connection_outlives_what_is_not_sent(
    visitor: Visitor, store: WatchedStore, proxy: Proxy
) -> None:
    store.put("icon.png", VALUE[:10_000])
    etag = visitor.gets("icon.png", "HEAD").headers["ETag"]
    proxy.reset_counts()

    for _ in range(3):
        assert visitor.gets("icon.png", If_None_Match=etag).status_code == 304

    assert (proxy.round_trips, proxy.connections) == (3, 0)
