"""Answers whose bytes the store itself sends, or the web server in front."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from minimalkv import (
    InvalidArgument,
    KeyNotFound,
    KeyValueStore,
    Unsupported,
    get_store_from_url,
)
from minimalkv._hstores import HDictStore, HFilesystemStore
from minimalkv.cache import CacheDecorator
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import (
    PrefixDecorator,
    ReadOnlyDecorator,
    StoreDecorator,
    URLEncodeKeysDecorator,
)
from minimalkv.fs import FilesystemStore, WebFilesystemStore
from minimalkv.http import Answer, answer
from minimalkv.memory import DictStore
from minimalkv.ttl import TimeToLiveDecorator
from tests.backends.base import StoreServer
from tests.backends.process import HOST
from tests.counting import CountingDecorator

KEY = "a folder/100%?#é.png".replace("é", "e")
VALUE = b"<script>alert(1)</script>"


@pytest.fixture
def files(tmp_path: Path) -> HFilesystemStore:
    store = HFilesystemStore(tmp_path / "the files", fsync=False)
    store.put(KEY, VALUE)
    return store


def accel(store: KeyValueStore, key: str = KEY, **options: Any) -> Answer:
    return answer(store, key, mode="accel", headers={"Range": "bytes=0-1"}, **options)


# The web server in front.


def test_nginx_is_told_the_place_behind_its_location(files: HFilesystemStore) -> None:
    told = accel(files, accel_prefix="/protected/")

    assert (told.status, told.body) == (200, None)
    assert dict(told.headers)["X-Accel-Redirect"] == (
        "/protected/a%20folder/100%25%3F%23e.png"
    )


def test_other_servers_are_told_the_path(files: HFilesystemStore) -> None:
    path = dict(accel(files).headers)["X-Sendfile"]

    assert path.isascii()
    assert Path(unquote(path)).read_bytes() == VALUE


def test_the_web_server_gets_the_headers_that_keep_a_file_harmless(
    files: HFilesystemStore,
) -> None:
    files.put("page.html", VALUE)

    told = dict(accel(files, "page.html", cache_control="private").headers)

    path = told.pop("X-Sendfile")
    assert path.endswith("/page.html")
    assert told == {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": 'attachment; filename="page.html"; '
        "filename*=UTF-8''page.html",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private",
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_web_server_is_asked_after_one_look(
    files: HFilesystemStore, method: str
) -> None:
    looked: list[str] = []

    class Looked(HFilesystemStore):
        def _head(self, key: str) -> Any:
            looked.append(key)
            return super()._head(key)

    accel(Looked(files.root), method=method)

    assert looked == [KEY]


@pytest.mark.parametrize(
    ("wrap", "key"),
    [
        (ReadOnlyDecorator, KEY),
        (StoreDecorator, KEY),
        (lambda store: PrefixDecorator("a folder/", store), "100%?#e.png"),
        (
            lambda store: ReadOnlyDecorator(
                URLEncodeKeysDecorator(PrefixDecorator("a folder/", store))
            ),
            "100%?#ë.png",
        ),
    ],
)
def test_wrappers_that_leave_values_alone_lead_to_the_file(
    files: HFilesystemStore, wrap: Callable[[KeyValueStore], KeyValueStore], key: str
) -> None:
    files.put("a folder/100%25%3F%23%C3%AB.png", VALUE)

    path = unquote(dict(accel(wrap(files), key).headers)["X-Sendfile"])

    assert Path(path).read_bytes() == VALUE


class _Upper(StoreDecorator):
    def get(self, key: str) -> bytes:
        return super().get(key).upper()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda _: HDictStore({KEY: VALUE}),
        lambda store: HMACDecorator(b"secret", store),
        lambda store: CacheDecorator(HDictStore(), store),
        lambda store: CountingDecorator(TimeToLiveDecorator(store)),
        TimeToLiveDecorator,
        _Upper,
    ],
)
def test_values_that_are_no_files_as_they_are_cannot_be_left_to_a_web_server(
    files: HFilesystemStore, wrap: Callable[[KeyValueStore], KeyValueStore]
) -> None:
    with pytest.raises(Unsupported, match="mode='proxy'"):
        accel(wrap(files))


@pytest.mark.parametrize(
    "prefix", ["", "protected/", "/protected", "/a\r\n/", "/ä/", "https://x/"]
)
def test_a_prefix_that_is_no_location_is_refused(
    files: HFilesystemStore, prefix: str
) -> None:
    with pytest.raises(InvalidArgument, match="accel_prefix"):
        accel(files, accel_prefix=prefix)


def test_a_web_server_is_not_led_to_what_is_no_value(
    files: HFilesystemStore, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    Path(files.root, "link").symlink_to(tmp_path / "secret")

    for key in ("missing", "../secret", "link", "a folder", ";locks/00", "mkv-user-x"):
        with pytest.raises(KeyNotFound):
            accel(files, key)


# The store itself.


@pytest.mark.parametrize(
    "make",
    [
        lambda _: DictStore({"key": VALUE}),
        lambda folder: FilesystemStore(folder),
        lambda folder: WebFilesystemStore(folder, "https://example.org/"),
        lambda folder: TimeToLiveDecorator(FilesystemStore(folder)),
    ],
)
def test_a_store_that_cannot_sign_cannot_be_redirected_to(
    tmp_path: Path, make: Callable[[Path], KeyValueStore]
) -> None:
    store = make(tmp_path)
    store.put("key", VALUE)

    with pytest.raises(Unsupported, match="mode='proxy'"):
        answer(store, "key", mode="redirect", headers={})


@pytest.fixture(scope="module", params=["s3_server", "azure_server", "gcs_server"])
def signing(request: pytest.FixtureRequest) -> Iterator[CountingDecorator]:
    """Return a store on each server that takes signed URLs."""
    server: StoreServer = request.getfixturevalue(request.param)
    url = server.url()
    if server.scheme == "gcs":
        from tests.net.gcs_account import with_account  # it loads Google's SDK

        url = with_account(url)
    with get_store_from_url(url) as inner:
        yield CountingDecorator(inner)


def redirect(store: KeyValueStore, key: str, **options: Any) -> str:
    told = answer(store, key, mode="redirect", headers={}, **options)
    headers = dict(told.headers)
    assert (told.status, told.body) == (302, None)
    assert headers["Cache-Control"] == "no-store"
    return headers["Location"]


def get(url: str) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(HOST, parts.port, timeout=10)) as link:
        link.request("GET", url[url.index("/", 8) :])
        response = link.getresponse()
        response.msg["X-Body"] = response.read().decode()
        return response


def test_a_redirect_leads_to_the_bytes_after_one_look(
    signing: CountingDecorator,
) -> None:
    signing.put("a/b.png", VALUE)
    signing.take_calls()

    response = get(redirect(signing, "a/b.png", expires=60))

    assert (response.status, response.headers["X-Body"]) == (200, VALUE.decode())
    assert response.headers["Content-Type"] == "image/png"
    assert signing.take_calls() == ["head"]


def test_a_page_is_saved_by_whoever_follows_a_redirect(
    signing: CountingDecorator, request: pytest.FixtureRequest
) -> None:
    signing.put("a.png", VALUE, content_type="text/html")

    url = redirect(signing, "a.png")

    said = unquote(url)
    assert "application/octet-stream" in said
    assert 'attachment; filename="a.png"' in said.replace("+", " ")
    if "gcs" not in request.node.callspec.id:
        # Others than Google's own server make nothing of what its URLs say.
        headers = get(url).headers
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["Content-Disposition"].startswith("attachment;")


def test_a_redirect_names_what_is_saved(signing: CountingDecorator) -> None:
    signing.put("a.png", VALUE)

    assert "b c.png" in unquote(redirect(signing, "a.png", download_name="b c.png"))
    assert "attachment" not in redirect(signing, "a.png")
    assert "attachment" in redirect(signing, "a.png", as_attachment=True)


def test_a_redirect_to_what_is_shown_names_nothing(signing: CountingDecorator) -> None:
    signing.put("a.png", VALUE)
    options = {"as_attachment": False, "download_name": "b.png"}

    assert "b.png" not in redirect(signing, "a.png", **options)


def test_a_store_without_the_key_to_sign_with_says_so(gcs_server: StoreServer) -> None:
    with get_store_from_url(gcs_server.url()) as store:
        store.put("a.png", VALUE)

        with pytest.raises(Unsupported, match=r"cannot sign URLs.*mode='proxy'"):
            redirect(store, "a.png")


def test_a_redirect_needs_a_value(signing: CountingDecorator) -> None:
    for key in ("missing.png", "../a.png", "mkv-session-x"):
        with pytest.raises(KeyNotFound):
            answer(signing, key, mode="redirect", headers={})


def test_head_is_answered_here_as_no_url_is_good_for_it(
    signing: CountingDecorator,
) -> None:
    signing.put("a.png", VALUE)
    signing.take_calls()

    told = answer(signing, "a.png", method="HEAD", mode="redirect", headers={})

    assert told.status == 200
    assert dict(told.headers)["Content-Length"] == str(len(VALUE))
    assert signing.take_calls() == ["head"]
