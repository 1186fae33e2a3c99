"""What an observer is told of the calls of a store."""

import io
import logging
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minimalkv import InvalidArgument, KeyNotFound, KeyValueStore, StoreUnavailable
from minimalkv._hstores import HDictStore
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import PrefixDecorator, ReadOnlyDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.observing import ObservedDecorator, StoreCall
from minimalkv.ttl import TimeToLiveDecorator

CALLS: list[StoreCall] = []
"""Where a callback that pickles puts what it is told."""


def remember(call: StoreCall) -> None:
    CALLS.append(call)


@pytest.fixture
def calls() -> list[StoreCall]:
    return []


@pytest.fixture
def store(calls: list[StoreCall]) -> KeyValueStore:
    return ObservedDecorator(calls.append, HDictStore({"a": b"value", "n": b"1"}))


class Broken(DictStore):
    """A store whose listings break off."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        yield f"{prefix}a"
        raise StoreUnavailable("the listing broke off")


class Clock:
    """A clock that goes on only when somebody works, or dawdles."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self) -> None:
        self.now += 1

    def dawdle(self) -> None:
        self.now += 100


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("minimalkv._observing.calls.perf_counter", clock)
    return clock


class Working(HDictStore):
    """A store that works for a second whenever it looks at a value."""

    def __init__(self, clock: Clock) -> None:
        super().__init__({"a": b"value"})
        self.clock = clock

    def _get_with_meta(self, key: str) -> Any:
        self.clock.work()
        return super()._get_with_meta(key)

    def _head(self, key: str) -> Any:
        self.clock.work()
        return super()._head(key)

    def _open(self, key: str) -> Any:
        self.clock.work()
        return super()._open(key)

    _get_file = KeyValueStore._get_file
    _iter_meta = KeyValueStore._iter_meta


class Dawdling(io.BytesIO):
    """A caller's file that keeps the store waiting."""

    clock: Clock

    def read(self, size: int | None = -1, /) -> bytes:
        self.clock.dawdle()
        return super().read(size)

    def write(self, data: Any, /) -> int:
        self.clock.dawdle()
        return super().write(data)


def told(call: StoreCall) -> tuple[Any, ...]:
    error = None if call.error is None else type(call.error)
    return call.operation, call.key, call.bytes, call.keys, error


def read(file: Any) -> bytes:
    with file:
        data: bytes = file.read()
    return data


def write(writer: Any, data: bytes) -> None:
    with writer:
        writer.write(data)


VERBS: dict[str, tuple[Callable[[Any], object], tuple[Any, ...]]] = {
    "get": (lambda s: s.get("a"), ("a", 5, None)),
    "get_with_meta": (lambda s: s.get_with_meta("a"), ("a", 5, None)),
    "head": (lambda s: s.head("a"), ("a", None, None)),
    "stream": (lambda s: read(s.stream("a", 1)[1]), ("a", 4, None)),
    "open": (lambda s: read(s.open("a")), ("a", 5, None)),
    "get_file": (lambda s: s.get_file("a", io.BytesIO()), ("a", 5, None)),
    "contains": (lambda s: "a" in s, ("a", None, None)),
    "get_many": (lambda s: s.get_many(["a", "n", "x"]), (None, 6, 2)),
    "keys": (lambda s: s.keys("a"), (None, None, 1)),
    "iter_keys": (lambda s: list(s), (None, None, 2)),
    "iter_meta": (lambda s: list(s.iter_meta()), (None, None, 2)),
    "iter_prefixes": (lambda s: list(s.iter_prefixes("/")), (None, None, 2)),
    "put": (lambda s: s.put("b", b"123"), ("b", 3, None)),
    "put_file": (lambda s: s.put_file("b", io.BytesIO(b"123")), ("b", 3, None)),
    "open_writer": (lambda s: write(s.open_writer("b"), b"123"), ("b", 3, None)),
    "put_many": (lambda s: s.put_many({"b": b"1", "c": b"23"}), (None, 3, 2)),
    "delete": (lambda s: s.delete("a"), ("a", None, None)),
    "delete_many": (lambda s: s.delete_many(["a", "x"]), (None, None, 2)),
    "delete_prefix": (lambda s: s.delete_prefix(""), (None, None, 2)),
    "copy": (lambda s: s.copy("a", "b"), ("a", None, None)),
    "move": (lambda s: s.move("a", "b"), ("a", None, None)),
    "add": (lambda s: s.add("b", b"123"), ("b", 3, None)),
    "update": (lambda s: s.update("a", lambda _: b"12"), ("a", 2, None)),
    "increment": (lambda s: s.increment("n"), ("n", None, None)),
    "touch": (lambda s: s.touch("a", 60), ("a", None, None)),
    "ttl": (lambda s: s.ttl("a"), ("a", None, None)),
    "purge_expired": (lambda s: s.purge_expired(), (None, None, 0)),
    "ping": (lambda s: s.ping(), (None, None, None)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_told_once(
    verb: str, store: KeyValueStore, calls: list[StoreCall]
) -> None:
    act, expected = VERBS[verb]

    act(store)

    (call,) = calls
    assert told(call) == (verb, *expected, None)
    assert call.store == "<HDictStore>"
    assert isinstance(call.seconds, float)
    assert call.seconds >= 0


def test_every_verb_of_a_store_is_told() -> None:
    verbs = {name for name in dir(KeyValueStore) if not name.startswith("_")}
    attributes = {name for name in verbs if not callable(getattr(KeyValueStore, name))}
    assert verbs - attributes - {"close"} == {*VERBS, "url_for"} - {"contains"}


def test_url_for_is_told(tmp_path: Path, calls: list[StoreCall]) -> None:
    store = ObservedDecorator(calls.append, FilesystemStore(tmp_path))
    assert store.url_for("a").startswith("file://")
    assert told(calls[0]) == ("url_for", "a", None, None, None)


@pytest.mark.parametrize("is_file", [False, True])
def test_files_by_name_are_told_with_their_size(
    is_file: bool, tmp_path: Path, store: KeyValueStore, calls: list[StoreCall]
) -> None:
    name = str(tmp_path / "file") if is_file else os.devnull
    store.get_file("a", name)
    store.put_file("b", name)
    size = 5 if is_file else None
    assert [call.bytes for call in calls] == [size, size]


def test_a_wrapper_around_it_is_told_about_too(calls: list[StoreCall]) -> None:
    observed = ObservedDecorator(calls.append, DictStore())
    store = PrefixDecorator("x-", HMACDecorator(b"key", observed))
    store.put("a", b"value")
    assert store.get("a") == b"value"
    assert read(store.open("a")) == b"value"
    assert "a" in store
    assert list(store) == ["a"]
    found = [(call.operation, call.key) for call in calls]
    keyed = ("put", "get", "open", "contains")
    assert found == [*((verb, "x-a") for verb in keyed), ("iter_keys", None)]


def test_expiring_values_of_a_store_without_expiry_are_told(
    tmp_path: Path, calls: list[StoreCall]
) -> None:
    observed = ObservedDecorator(calls.append, FilesystemStore(tmp_path, fsync=False))
    store = TimeToLiveDecorator(observed)
    store.put("a", b"value", ttl_secs=60)
    assert store.get("a") == b"value"
    assert [call.operation for call in calls] == ["put", "get"]


def test_errors_are_told_and_raised(
    store: KeyValueStore, calls: list[StoreCall]
) -> None:
    with pytest.raises(KeyNotFound) as caught:
        store.get("x")
    with pytest.raises(KeyNotFound):
        store.open("x")
    with pytest.raises(InvalidArgument):
        store.iter_prefixes("")
    assert calls[0].error is caught.value
    assert [told(call)[0] for call in calls] == ["get", "open", "iter_prefixes"]
    assert told(calls[1]) == ("open", "x", None, None, KeyNotFound)


def test_a_listing_is_told_at_its_end_however_it_ends(calls: list[StoreCall]) -> None:
    store = ObservedDecorator(calls.append, DictStore({"a": b"", "b": b""}))
    begun = store.iter_keys()
    next(begun)
    assert calls == []
    begun.close()  # type: ignore[attr-defined] # a generator
    assert told(calls.pop()) == ("iter_keys", None, None, 1, None)
    store.iter_keys()
    assert calls == [], "nobody began it"
    broken = ObservedDecorator(calls.append, Broken())
    with pytest.raises(StoreUnavailable):
        list(broken)
    assert told(calls.pop()) == ("iter_keys", None, None, 1, StoreUnavailable)


def test_a_file_is_told_when_it_is_closed_and_once(
    store: KeyValueStore, calls: list[StoreCall]
) -> None:
    file = store.open("a")
    assert (file.read(2), file.readline(), file.seek(1)) == (b"va", b"lue", 1)
    assert file.readinto(bytearray(9)) == 4  # type: ignore[attr-defined] # it has it
    assert calls == []
    file.close()
    file.close()
    assert told(calls.pop()) == ("open", "a", 9, None, None)
    store.open("a")
    assert told(calls.pop()) == ("open", "a", None, None, None), "forgotten, collected"


def test_a_writer_that_is_aborted_has_stored_no_bytes(
    store: KeyValueStore, calls: list[StoreCall]
) -> None:
    writer = store.open_writer("b")
    writer.write(b"123")
    writer.abort()
    writer.close()
    assert [told(call) for call in calls] == [("open_writer", "b", None, None, None)]
    assert "b" not in store


def test_a_writer_that_cannot_publish_is_told_with_its_error(
    store: KeyValueStore, calls: list[StoreCall]
) -> None:
    writer = store.open_writer("a", if_absent=True)
    with pytest.raises(FileExistsError):
        writer.close()
    assert isinstance(calls.pop().error, FileExistsError)
    assert calls == []


def test_only_the_time_inside_of_the_store_counts(
    clock: Clock, calls: list[StoreCall]
) -> None:
    store = ObservedDecorator(calls.append, Working(clock))

    def dawdle(old: bytes | None) -> bytes | None:
        clock.dawdle()
        return old

    file = Dawdling(b"123")
    file.clock = clock
    store.put_file("b", file)
    store.get_file("a", file)
    store.update("b", dawdle)
    for _ in store.iter_meta():
        clock.dawdle()
    with store.open("a") as opened:
        clock.dawdle()
        opened.read()
    found = [(call.operation, call.seconds) for call in calls]
    verbs = ("put_file", "get_file", "update", "iter_meta", "open")
    assert found == list(zip(verbs, (0, 1, 1, 2, 1), strict=True))


def test_a_broken_callback_changes_nothing_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: StoreCall) -> None:
        raise ZeroDivisionError

    store = ObservedDecorator(broken, DictStore())
    with caplog.at_level(logging.DEBUG):
        store.put("a", b"1")
        assert store.get("a") == b"1"
        with pytest.raises(KeyNotFound):
            store.get("x")
    assert [record.name for record in caplog.records] == ["minimalkv"]
    assert "ZeroDivisionError" in caplog.text


def test_calls_of_the_callback_itself_are_not_told() -> None:
    count = []
    inner = DictStore()

    def counting(call: StoreCall) -> None:
        count.append(call)
        ObservedDecorator(counting, inner).put("last", call.operation.encode())

    store = ObservedDecorator(counting, inner)
    store.put("a", b"1")
    assert len(count) == 1
    assert store.get("last") == b"put"
    assert len(count) == 2


def test_it_pickles_if_its_callback_does() -> None:
    CALLS.clear()
    store = ObservedDecorator(remember, DictStore({"a": b"1"}))
    copied = pickle.loads(pickle.dumps(store))
    assert copied.get("a") == b"1"
    assert [call.operation for call in CALLS] == ["get"]
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(ObservedDecorator(lambda _: None, DictStore()))


def test_a_forked_child_does_not_tell_what_its_parent_began(
    store: KeyValueStore, calls: list[StoreCall]
) -> None:
    file, listing = store.open("a"), store.iter_keys()
    next(listing)

    def end() -> None:
        file.close()
        listing.close()  # type: ignore[attr-defined] # a generator
        store.get("a")
        os._exit(len(calls))

    child = multiprocessing.get_context("fork").Process(target=end)
    child.start()
    child.join(60)
    assert child.exitcode == 1, "its own call alone"


def test_a_wrapper_that_refuses_is_told_by_what_it_asks(
    calls: list[StoreCall],
) -> None:
    store = ReadOnlyDecorator(ObservedDecorator(calls.append, DictStore()))
    store.ping()
    with pytest.raises(AttributeError):
        store.put("a", b"")
    assert [call.operation for call in calls] == ["contains"]


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="StoreCall"):
        ObservedDecorator("shop.metrics.record", DictStore())  # type: ignore[arg-type] # on purpose
