"""Large values arrive whole and of one version, in one answer or in parts, or not."""

import io
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from minimalkv import PreconditionFailed, StoreUnavailable
from minimalkv._contract.base import check_bytes
from minimalkv._contract.tools import sample
from minimalkv.net import _download
from minimalkv.net._bodies import MD5, BodyReader, Verifier
from minimalkv.net._download import LARGEST_ALONE_BYTES, PART_BYTES, WORKERS
from tests.net.backend import OBJECT_STORES, ObjectStore, one_of
from tests.proxy import Cut, Proxy
from tests.proxying.requests import Request

_PARTS = 6
_VALUE = sample(PART_BYTES) * (_PARTS - 1) + b"the end"

backend = one_of(*OBJECT_STORES)


@pytest.fixture(scope="module")
def shared(backend: ObjectStore, proxy: Proxy) -> Iterator[Any]:
    with backend.opened(backend.url(), proxy.port) as store:
        yield store


@pytest.fixture
def store(shared: Any, proxy: Proxy) -> Iterator[Any]:
    shared.put("large", _VALUE)
    proxy.reset_counts()
    yield shared
    proxy.fault = None


@pytest.fixture(autouse=True)
def is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no answer be fast, whatever the machine is."""
    monkeypatch.setattr(_download, "FAST_BYTES_PER_SEC", math.inf)


@pytest.fixture
def is_fast(is_slow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "FAST_BYTES_PER_SEC", 0)


class Target:
    """Keeps what is written, and looks around meanwhile."""

    def __init__(self) -> None:
        self.data = io.BytesIO()
        self.most_workers = 0

    def write(self, data: bytes) -> int:
        names = [thread.name for thread in threading.enumerate()]
        workers = sum(name.startswith("minimalkv-part") for name in names)
        self.most_workers = max(self.most_workers, workers)
        return self.data.write(data)


def test_a_large_value_comes_in_parts_side_by_side(store: Any, proxy: Proxy) -> None:
    target = Target()
    store.get_file("large", target)
    check_bytes(target.data.getvalue(), _VALUE)
    assert len(proxy.requests) == _PARTS
    assert target.most_workers == WORKERS


@pytest.mark.usefixtures("is_fast")
def test_a_fast_answer_is_the_only_one(store: Any, proxy: Proxy) -> None:
    target = Target()
    store.get_file("large", target)
    check_bytes(target.data.getvalue(), _VALUE)
    assert len(proxy.requests) == 1
    assert target.most_workers == 0


@pytest.mark.usefixtures("is_fast")
def test_of_a_fast_answer_that_breaks_off_the_rest_is_asked_for(
    store: Any, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.fault = Cut(body=2 * PART_BYTES + 1000, times=1)
    store.get_file("large", str(tmp_path / "file"))
    assert proxy.fault.happened == 1
    # What came behind the second part was taken, too: fewer than a part are left over.
    assert len(proxy.requests) == 1 + _PARTS - 3
    check_bytes((tmp_path / "file").read_bytes(), _VALUE)


@pytest.mark.parametrize("wrong", [0, 1])
def test_parts_have_to_make_up_the_whole(wrong: int) -> None:
    size = 3 * PART_BYTES
    value = sample(size)
    first = io.BytesIO(value[:PART_BYTES])
    verifier = Verifier(size, MD5(), MD5(value).text)
    body = BodyReader(first, verifier, (Exception,), _unavailable)
    start = _download.begin(body, size, io.BytesIO().write)
    target = io.BytesIO()

    def part(begin: int, end: int) -> bytes:
        flipped = bytes([value[begin] ^ wrong])
        return flipped + value[begin + 1 : end]

    if wrong:
        with pytest.raises(StoreUnavailable, match="does not match its MD5"):
            _download.go_on(body, part, start, size, target.write)
    else:
        _download.go_on(body, part, start, size, target.write)
        check_bytes(target.getvalue(), value[PART_BYTES:])


def _unavailable(error: Exception) -> NoReturn:
    raise StoreUnavailable(str(error))


def test_the_largest_value_of_one_request_is_one_request(
    store: Any, proxy: Proxy, tmp_path: Path
) -> None:
    value = _VALUE[-LARGEST_ALONE_BYTES:]
    store.put("large", value)
    proxy.reset_counts()
    store.get_file("large", str(tmp_path / "file"))
    check_bytes((tmp_path / "file").read_bytes(), value)
    assert len(proxy.requests) == 1


def test_with_one_connection_a_large_value_is_one_request(
    backend: ObjectStore, proxy: Proxy
) -> None:
    with backend.opened(backend.url(max_connections=1), proxy.port) as store:
        store.put("large", _VALUE)
        proxy.reset_counts()
        target = Target()
        store.get_file("large", target)
    check_bytes(target.data.getvalue(), _VALUE)
    assert len(proxy.requests) == 1


def test_a_value_that_is_replaced_meanwhile_is_no_mixture(
    store: Any, tmp_path: Path
) -> None:
    class Replacing(Target):
        def write(self, data: bytes) -> int:
            if not self.data.tell():
                store.put("large", bytes(len(_VALUE)))
            return super().write(data)

    target = Replacing()
    with pytest.raises(PreconditionFailed):
        store.get_file("large", target)
    written = target.data.getvalue()
    check_bytes(written, _VALUE[: len(written)])


def test_a_part_that_is_cut_off_is_asked_for_again(
    store: Any, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.fault = Cut(body=1000, on=_is_part, times=1)
    store.get_file("large", str(tmp_path / "file"))
    assert proxy.fault.happened == 1
    check_bytes((tmp_path / "file").read_bytes(), _VALUE)


def _is_part(request: Request) -> bool:
    return "range" in request.headers or "x-ms-range" in request.headers


def test_a_target_that_fails_ends_the_download(store: Any) -> None:
    class Full(Target):
        def write(self, data: bytes) -> int:
            if self.data.tell() > PART_BYTES:
                raise OSError("no space left")
            return super().write(data)

    with pytest.raises(OSError, match="no space left"):
        store.get_file("large", Full())
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith("minimalkv-part") for name in names)
    assert store.get("large") == _VALUE
