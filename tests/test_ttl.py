"""The frame of `TimeToLiveDecorator`, and clocks."""

import io
import logging
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from minimalkv import (
    FOREVER,
    KeyExists,
    KeyNotFound,
    PreconditionFailed,
    Unsupported,
    _clock,
)
from minimalkv._hstores import HFilesystemStore
from minimalkv._ttl_frame import FRAME_BYTES
from minimalkv.decorator import PrefixDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.ttl import TimeToLiveDecorator, with_ttl
from tests.clocks import FakeClock
from tests.counting import CountingDecorator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def inner(tmp_path: Path) -> CountingDecorator:
    return CountingDecorator(HFilesystemStore(tmp_path / "root", fsync=False))


@pytest.fixture
def store(inner: CountingDecorator, clock: FakeClock) -> TimeToLiveDecorator:
    store = TimeToLiveDecorator(inner)
    store._clock = clock
    return store


def test_only_what_needs_it_is_wrapped(tmp_path: Path) -> None:
    native = DictStore()
    assert with_ttl(native) is native
    prefixed = PrefixDecorator("p", native)
    assert with_ttl(prefixed) is prefixed
    files = FilesystemStore(tmp_path)
    assert isinstance(with_ttl(files), TimeToLiveDecorator)


def test_the_frame_is_the_documented_one(
    store: TimeToLiveDecorator, inner: CountingDecorator, clock: FakeClock
) -> None:
    store.put("a", b"value", 1.5)
    expiry = int((clock.secs + 1.5) * 1000)
    assert inner.get("a") == b"\x89mkv-ttl" + struct.pack(">Q", expiry) + b"value"
    store.put("b", b"value", FOREVER)
    assert inner.get("b") == b"\x89mkv-ttl" + bytes(8) + b"value"
    assert FRAME_BYTES == 16


def test_a_value_without_a_frame_never_expires(
    store: TimeToLiveDecorator, inner: CountingDecorator
) -> None:
    for value in (b"", b"short", b"a value of more than sixteen bytes"):
        inner.put("a", value)
        assert store.get("a") == value
        assert store.open("a").read() == value
        meta, source = store.stream("a")
        assert source.read() == value
        source.close()
        assert meta.size == len(value)
        assert store.ttl("a") is None
        store.touch("a", 10)
        assert store.get("a") == value
        assert store.ttl("a") == pytest.approx(10, abs=0.01)


def test_requests_to_the_inner_store(
    store: TimeToLiveDecorator, inner: CountingDecorator
) -> None:
    store.put("a", bytes(100), 10)
    for call, expected in (
        (lambda: store.get("a"), ["get"]),
        (lambda: store.get_with_meta("a"), ["get_with_meta"]),
        (lambda: store.head("a"), ["stream"]),
        (lambda: "a" in store, ["stream"]),
        (lambda: store.open("a").close(), ["open"]),
        (lambda: store.stream("a")[1].close(), ["stream"]),
        (lambda: store.stream("a", 0, 5)[1].close(), ["stream"]),
        (lambda: store.stream("a", 5)[1].close(), ["stream", "stream"]),
        (lambda: store.put("a", b"", 5), ["put"]),
        (lambda: store.delete("a"), ["delete"]),
    ):
        inner.calls.clear()
        call()
        assert inner.calls == expected


def test_a_clock_set_back_brings_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_clock, "_offset", 0.0)
    before = _clock.now()
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() - 3600)
    assert _clock.now() >= before
    monkeypatch.setattr(time, "time", lambda: really() + 86_400)
    assert _clock.now() == pytest.approx(really() + 86_400, abs=60)
    monkeypatch.setattr(time, "time", really)
    assert _clock.now() > really() + 86_000, "what expired meanwhile must not come back"


def test_memory_does_not_look_at_the_time_of_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = DictStore()
    store.put("a", b"1", 100)
    really = time.time
    monkeypatch.setattr(time, "time", lambda: really() + 86_400)
    assert store.get("a") == b"1"
    left = store.ttl("a")
    assert left is not None
    assert 99 < left <= 100


def test_memory_keeps_what_is_left_through_pickle() -> None:
    clock = FakeClock()
    store = DictStore()
    store._clock = clock
    store.put("a", b"1", 100)
    store.put("b", b"2")
    clock.advance(40)
    loaded = pickle.loads(pickle.dumps(store))
    assert loaded.ttl("a") == 60
    assert loaded.ttl("b") is None
    assert loaded.head("a").etag == store.head("a").etag
    assert loaded.default_ttl_secs == store.default_ttl_secs


def test_what_is_put_into_the_dictionary_directly_counts() -> None:
    clock = FakeClock()
    store = DictStore()
    store._clock = clock
    store.put("a", b"1", 10)
    etag = store.head("a").etag
    store.d["a"] = b"2"
    clock.advance(11)
    assert store.get("a") == b"2"
    assert store.ttl("a") is None
    assert store.head("a").etag != etag
    store.put("b", b"3", 10)
    del store.d["b"]
    assert "b" not in store
    assert store.add("b", b"4")


def test_the_side_table_does_not_outgrow_the_dictionary() -> None:
    store = DictStore()
    for number in range(5000):
        store.put(f"k{number}", b"")
        del store.d[f"k{number}"]
    assert len(store._info) < 1500


def test_a_shared_dictionary_is_shared_though_empty() -> None:
    shared: dict[str, bytes] = {}
    DictStore(shared).put("a", b"1")
    assert shared == {"a": b"1"}


def test_purge_tells_what_has_no_frame(
    store: TimeToLiveDecorator,
    inner: CountingDecorator,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    inner.put("raw", b"raw")
    store.put("a", b"1", 10)
    store.put("b", b"2", 100)
    clock.advance(11)
    with caplog.at_level(logging.INFO, "minimalkv"):
        assert store.purge_expired() == 1
    assert "Expired values deleted: 1; without an expiry: 1" in caplog.text
    assert sorted(inner.keys()) == ["b", "raw"]


def test_purge_leaves_what_is_written_anew_meanwhile(
    tmp_path: Path, clock: FakeClock
) -> None:
    class Racing(HFilesystemStore):
        def _delete(self, key: str, *, if_match: str | None = None) -> None:
            if if_match is not None:
                outer.put(key, b"new", FOREVER)
            super()._delete(key, if_match=if_match)

    outer = TimeToLiveDecorator(Racing(tmp_path, fsync=False))
    outer._clock = clock
    outer.put("a", b"old", 10)
    clock.advance(11)
    assert outer.purge_expired() == 0
    assert outer.get("a") == b"new"


def test_add_over_an_expired_value_survives_a_purge(
    tmp_path: Path, clock: FakeClock
) -> None:
    class Purging(HFilesystemStore):
        def _put(self, key: str, data: bytes, **options: Any) -> str:
            if "if_match" in options:
                super()._delete(key)
            return super()._put(key, data, **options)

    outer = TimeToLiveDecorator(Purging(tmp_path, fsync=False))
    outer._clock = clock
    outer.put("a", b"old", 10)
    clock.advance(11)
    assert outer.add("a", b"new")
    assert outer.get("a") == b"new"


def test_a_file_over_an_expired_value_survives_a_purge(
    store: TimeToLiveDecorator, inner: CountingDecorator, clock: FakeClock
) -> None:
    store.put("a", b"old", 10)
    clock.advance(11)

    class Purging(io.BytesIO):
        def read(self, *args: Any) -> bytes:
            inner.delete("a")
            return super().read(*args)

    store.put_file("a", Purging(b"new"), if_absent=True)
    assert store.get("a") == b"new"


def test_a_version_that_went_is_another_version_from_everywhere(
    store: TimeToLiveDecorator,
) -> None:
    store.put("a", b"12345")
    etag = store.head("a").etag
    assert etag is not None
    store.delete("a")
    for start in (0, 2, -2):
        with pytest.raises(PreconditionFailed):
            store.stream("a", start, if_match=etag)


def test_files_and_writers_over_an_expired_value(
    store: TimeToLiveDecorator, clock: FakeClock
) -> None:
    for key, write in (
        ("a", lambda: store.put_file("a", io.BytesIO(b"new"), if_absent=True)),
        ("b", lambda: write_whole(store, "b")),
    ):
        store.put(key, b"old", 10)
        with pytest.raises(KeyExists):
            write()
        clock.advance(11)
        write()
        assert store.get(key) == b"new"


def write_whole(store: TimeToLiveDecorator, key: str) -> None:
    with store.open_writer(key, if_absent=True) as writer:
        writer.write(b"new")


def test_an_etag_of_another_store_is_another_version(
    store: TimeToLiveDecorator, inner: CountingDecorator
) -> None:
    store.put("a", b"1")
    etag = inner.head("a").etag
    assert etag is not None
    for foreign in (etag, f"{etag}@x", "@5", "nonsense"):
        with pytest.raises(PreconditionFailed):
            store.put("a", b"2", if_match=foreign)
    assert store.get("a") == b"1"


def test_without_conditions_nothing_is_touched(tmp_path: Path) -> None:
    class Plain(FilesystemStore):
        conditional_support = False

    store = TimeToLiveDecorator(Plain(tmp_path, fsync=False))
    store.put("a", b"1", 10)
    assert store.get("a") == b"1"
    for call in (lambda: store.touch("a", 5), store.purge_expired):
        with pytest.raises(Unsupported, match="condition"):
            call()


def test_url_is_taken_back(store: TimeToLiveDecorator) -> None:
    with pytest.raises(Unsupported):
        store.url_for("a")


def test_expired_values_stay_expired_for_every_reader(
    store: TimeToLiveDecorator, clock: FakeClock
) -> None:
    store.put("a", b"1", 10)
    etag = store.head("a").etag
    assert etag is not None
    clock.advance(10)
    with pytest.raises(KeyNotFound):
        store.stream("a", 1)
    for conditional in (
        lambda: store.stream("a", if_match=etag),
        lambda: store.delete("a", if_match=etag),
        lambda: store.put("a", b"2", if_match=etag),
    ):
        with pytest.raises(PreconditionFailed):
            conditional()
