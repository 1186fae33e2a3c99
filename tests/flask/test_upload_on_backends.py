"""Uploads into each backend: whole, or without a trace."""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from flask import request

from minimalkv import InvalidToken, UploadIncomplete, UploadTooLarge, WrongContentType
from minimalkv._contract.tools import sample
from minimalkv_flask.uploads import ALL, IMAGES, UploadSet
from tests.flask.uploading import Site
from tests.forms import PNG, body_of, file, text
from tests.net.backend import KINDS, OBJECT_STORES, Backend, ObjectStore, on, one_of
from tests.proxy import Proxy
from tests.watched import WatchedStore

LARGE: Final = b"\0" + sample(2**20) * 20
"""More than goes with one request to any of them."""

videos = UploadSet("videos", ALL)
backend = one_of(*KINDS)


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    with Proxy(backend.server.port, settle_secs=0) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared(backend: Backend, proxy: Proxy) -> Iterator[Any]:
    with backend.opened(backend.url(), proxy.port) as store:
        store.add("first", b"what a first conditional write does more")
        store.delete("first")
        yield store


@pytest.fixture
def bucket(shared: Any, proxy: Proxy) -> Iterator[Any]:
    """Return an empty store whose requests are noted."""
    proxy.reset_counts()
    yield shared
    shared.delete_prefix("")


@pytest.fixture
def site(bucket: Any) -> Site:
    return Site(WatchedStore(bucket))


def is_empty(backend: Backend, bucket: Any) -> bool:
    names = isinstance(backend, ObjectStore) and backend.raw_names(bucket)
    return not (bucket.keys() or names)


def leaves_nothing(backend: Backend, bucket: Any, proxy: Proxy) -> None:
    assert is_empty(backend, bucket)
    if isinstance(backend, ObjectStore):
        assert backend.unfinished(bucket, proxy.requests) == 0


def save() -> str:
    return " ".join(found.key for found in videos.stream(request).values())


def test_large_files_arrive_whole(site: Site, bucket: Any) -> None:
    first, second = file("a", "a.mp4", LARGE), file("b", "b.png", PNG)
    answer = site.sends(save, first, text("t", "x"), second)
    large, small = answer.text.split()
    assert (bucket.get(large), bucket.get(small)) == (LARGE, PNG)
    assert bucket.head(small).content_type == "image/png"
    assert re.fullmatch(r"videos/b_[\w-]{12}\.png", small)


LIMITS: Final[dict[str, dict[str, Any]]] = {
    "too large": {"max_bytes": len(LARGE) - 1},
    "wrong type": {"extensions": IMAGES},
}


@pytest.mark.parametrize("case", LIMITS)
def test_refused_large_file_leaves_nothing(
    site: Site, backend: Backend, bucket: Any, proxy: Proxy, case: str
) -> None:
    small, large = file("a", "a.png", PNG), file("b", "b.mp4", LARGE)
    own = UploadSet("own", **{"extensions": ALL, **LIMITS[case]})
    status = site.sends(lambda: own.stream(request), small, large).status_code
    assert status == {"too large": 413, "wrong type": 415}[case]
    leaves_nothing(backend, bucket, proxy)


@pytest.mark.parametrize("left_out", [40, len(LARGE) // 2])
def test_truncated_large_file_leaves_nothing(
    site: Site, backend: Backend, bucket: Any, proxy: Proxy, left_out: int
) -> None:
    body, kind = body_of(file("a", "a.png", PNG), file("b", "b.mp4", LARGE))
    answer = site.does(save, body[:-left_out], kind, {"CONTENT_LENGTH": str(len(body))})
    assert answer.status_code == 400
    leaves_nothing(backend, bucket, proxy)


def test_form_with_too_many_parts_leaves_nothing(
    site: Site, backend: Backend, bucket: Any
) -> None:
    parts = [file("b", "b.mp4", LARGE), *(text("t", "x") for _ in range(1000))]
    assert site.sends(save, *parts).status_code == 413
    assert is_empty(backend, bucket)


# Uploads to the backend itself.


@pytest.fixture
def open_bucket(backend: Backend) -> Iterator[Any]:
    """Return an empty store that others reach under the same address."""
    with backend.opened(backend.url()) as store:
        yield store


@pytest.fixture
def open_site(open_bucket: Any) -> Site:
    return Site(WatchedStore(open_bucket))


def put(allowed: dict[str, Any], data: bytes, **changed: Any) -> int:
    """Send what was allowed, or something else; return the status."""
    said = {**allowed["headers"], **changed.pop("headers", {})}
    asked = {"url": allowed["url"], "method": allowed["method"], **changed}
    request = Request(data=data, headers=said, **asked)  # noqa: S310 - a test server
    try:
        with urlopen(request) as answer:  # noqa: S310 - the same
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def announce(site: Site, **limits: Any) -> tuple[UploadSet, dict[str, Any]]:
    own = UploadSet("own", IMAGES, **limits)
    with site.app.test_request_context():
        return own, own.direct_upload("ü.png", expires=60)


def attach(site: Site, own: UploadSet, allowed: dict[str, Any]) -> Any:
    with site.app.test_request_context():
        return own.attach(allowed["token"])


@on(*OBJECT_STORES)
def test_browser_sends_to_the_backend(open_site: Site, open_bucket: Any) -> None:
    own, allowed = announce(open_site, max_bytes=len(PNG))
    assert "/files/" not in allowed["url"]
    assert put(allowed, PNG) in (200, 201)
    stored = attach(open_site, own, allowed)
    assert open_bucket.keys() == [stored.key]
    assert open_bucket.get(stored.key) == PNG
    assert open_bucket.head(stored.key).content_type == "image/png"
    assert (stored.filename, stored.size) == ("ü.png", len(PNG))


@on(*OBJECT_STORES)
@pytest.mark.parametrize(
    ("data", "headers", "limits", "error"),
    [
        (PNG + b"x", {}, {"max_bytes": len(PNG)}, UploadTooLarge),
        (PNG, {"Content-Type": "text/html"}, {}, (WrongContentType, UploadIncomplete)),
        (b"<html><script>", {}, {}, WrongContentType),
    ],
)
def test_what_the_backend_takes_and_nobody_allowed_is_not_attached(
    open_site: Site,
    open_bucket: Any,
    data: bytes,
    headers: dict[str, str],
    limits: dict[str, Any],
    error: Any,
) -> None:
    own, allowed = announce(open_site, **limits)
    put(allowed, data, headers=headers)
    with pytest.raises(error):
        attach(open_site, own, allowed)
    assert open_bucket.keys() == []


ALTERED: Final = {".png?": ".pns?", "Expires=60": "Expires=61", "se=2": "se=3"}
"""The key, and until when: in the words of S3, or of Azure."""


# Google's emulator looks at no signature: tests/net/test_gcs_store.py reads what is in
# them.
@on("s3", "azure")
def test_backend_binds_key_method_and_expiry(open_site: Site, open_bucket: Any) -> None:
    _, allowed = announce(open_site)
    for word, other in ALTERED.items():
        altered = allowed["url"].replace(word, other)
        if altered != allowed["url"]:
            assert put(allowed, PNG, url=altered) == 403
    assert put(allowed, b"", method="DELETE") == 403
    assert put(allowed, b"", method="POST") in (400, 403, 405)
    assert open_bucket.keys() == []


@on(*OBJECT_STORES)
def test_signed_url_is_one_of_the_backend(open_site: Site, open_bucket: Any) -> None:
    open_bucket.put("own/a b.png", PNG, content_type="image/png")
    open_bucket.put("own/page.html", b"<html>", content_type="text/html")
    own = UploadSet("own")
    with open_site.app.test_request_context():
        image = own.signed_url("a b.png")
        page = own.signed_url("page.html", download_name="ü.html")
        ours = own.signed_url("a b.png", presigned=False)
    with urlopen(image) as answer:  # noqa: S310 - the URL of a test server
        assert answer.read() == PNG
    with urlopen(page) as answer:  # noqa: S310 - the same
        assert answer.read() == b"<html>"
    assert ("attachment" in page, "attachment" in image) == (True, False)
    found = open_site.client.get(ours)
    assert (found.data, found.headers["Content-Type"]) == (PNG, "image/png")


@on("redis")
def test_backend_without_urls_has_those_of_ours(
    open_site: Site, open_bucket: Any
) -> None:
    own, allowed = announce(open_site)
    assert allowed["url"].startswith("/files/upload/own@uploads/")
    sent = open_site.client.put(allowed["url"], data=PNG, headers=allowed["headers"])
    assert sent.status_code == 204
    stored = attach(open_site, own, allowed)
    with open_site.app.test_request_context():
        assert open_site.client.get(own.signed_url(stored)).data == PNG
    with pytest.raises(InvalidToken):
        attach(open_site, own, {"token": allowed["token"] + "x"})
