"""What Azure alone is asked; what every backend is asked is in test_requests."""

from collections.abc import Iterator
from io import BytesIO
from itertools import islice
from typing import Any

import pytest

from minimalkv import StoreError
from minimalkv.net import _azure_listing
from minimalkv.net._asked import Broken
from minimalkv.net._azure_body import Answer
from tests.net.backend import Azure, one_of
from tests.net.uses import Source
from tests.proxy import Proxy, Request

backend = one_of("azure")

_MIB = 2**20


@pytest.fixture
def store(backend: Azure, proxy: Proxy) -> Iterator[Any]:
    proxy.fault = None
    with backend.opened(backend.url(), proxy.port) as store:
        store.put_many({f"many/{number}": b"x" for number in range(25)})
        store.put("key", b"0123456789")
        store.put("empty", b"")
        proxy.reset_counts()
        yield store


def test_range_from_the_end_asks_for_the_size_first(store: Any, proxy: Proxy) -> None:
    for start in (-4, -10, -50):
        proxy.reset_counts()
        meta, file = store.stream("key", start)
        with file:
            assert file.read() == b"0123456789"[start:]
        assert proxy.methods == ["HEAD", "GET"]
        assert proxy.requests[1].headers["if-match"] == f'"{meta.etag}"'


def test_large_value_is_sent_in_blocks(store: Any, proxy: Proxy) -> None:
    store.put_file("blocks", Source(9 * _MIB))
    kinds = [request.query["comp"] for request in proxy.requests]
    assert kinds == ["block"] * 3 + ["blocklist"]
    assert store.head("blocks").size == 9 * _MIB
    ids = [request.query.get("blockid", "") for request in proxy.requests[:3]]
    # As long as those of the SDK, or its unfinished uploads are in the way of ours.
    assert [len(block) for block in ids] == [64] * 3


def test_listing_gets_a_page_when_it_is_needed(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_azure_listing, "PAGE_NAMES", 10)
    assert len(list(islice(store.iter_keys("many/"), 10))) == 10
    assert len(proxy.requests) == 1
    proxy.reset_counts()
    assert len({meta.key for meta in store.iter_meta("many/")}) == 25
    assert len(proxy.requests) == 3
    proxy.reset_counts()
    assert sorted(store.iter_prefixes("/")) == ["empty", "key", "many/"]
    assert store.keys("no such") == store.keys("ä") == store.keys("a;b") == []
    assert len(proxy.requests) <= 4


def test_keys_are_deleted_singly_where_batches_are_refused(
    store: Any, proxy: Proxy
) -> None:
    proxy.fault = Azure.refusal(400, "NotSupported", on=_is_batch)
    store.delete_many(["key", "empty", "missing"])
    assert proxy.methods == ["POST", "DELETE", "DELETE", "DELETE"]
    proxy.fault = None
    assert store.keys("key") == store.keys("empty") == []


def test_keys_that_a_batch_leaves_are_named(store: Any, proxy: Proxy) -> None:
    proxy.fault = Azure.refusal(
        409,
        "SnapshotsPresent",
        on=lambda r: r.method != "POST" or _is_batch(r),
    )
    with pytest.raises(StoreError, match="SnapshotsPresent") as caught:
        store.delete_many(["key", "empty"])
    assert caught.value.failed_keys == ("key", "empty")


def _is_batch(request: Request) -> bool:
    return request.query.get("comp") == "batch"


# A page of a listing, of which only the names are wanted.

_PAGE = (
    b'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>'
    b"<Blob><Name>a</Name><Properties><Etag>1</Etag></Properties></Blob>"
    b"<Blob><Name>&lt;Properties&gt;</Name><Properties /></Blob>"
    b'<Blob><Name Encoded="true">b%3Cc</Name><Properties></Properties></Blob>'
    b"<BlobPrefix><Name>d/</Name></BlobPrefix></Blobs><NextMarker>e</NextMarker>"
    b"</EnumerationResults>"
)
_IS_FOLDER = b"<ResourceType>directory</ResourceType>"


def _names(page: bytes, *, names_only: bool) -> Any:
    answer = Answer({}, BytesIO(page))
    found = _azure_listing._read_page(answer, names_only=names_only)
    return [name for name, _ in found.objects], found.folders, found.token


def test_names_are_the_same_without_what_describes_the_blobs() -> None:
    for page in (_PAGE, _PAGE.replace(b"<Etag>1</Etag>", _IS_FOLDER)):
        assert _names(page, names_only=True) == _names(page, names_only=False)
    assert _names(_PAGE, names_only=True) == (["a", "<Properties>", "b<c"], ["d/"], "e")


def test_page_that_is_cut_off_anywhere_is_an_error() -> None:
    for end in range(len(_PAGE)):
        with pytest.raises(Broken, match="cut off"):
            _names(_PAGE[:end], names_only=True)
    with pytest.raises(Broken, match="cut off"):
        _names(_PAGE.replace(b"</Properties>", b"", 1), names_only=True)
