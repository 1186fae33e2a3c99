"""One value from one store to another, with the time that it has to live."""

import io
from collections.abc import Callable
from hashlib import md5
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from minimalkv import (
    InvalidKey,
    KeyExists,
    KeyNotFound,
    KeyValueStore,
    ObjectMeta,
    PreconditionFailed,
    StoreError,
    StoreUnavailable,
)
from minimalkv._carrying import carry, carry_missing, fingerprint, value_size
from minimalkv._contract.tools import sample
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.sync import sync
from minimalkv.ttl import TimeToLiveDecorator, with_ttl
from tests.counting import CountingDecorator
from tests.pausing import PausingDecorator

KEY = "mkv-session-1"
PLAIN = "cat.png"


@pytest.fixture
def files(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "files", fsync=False)


def other_files(tmp_path: Path) -> FilesystemStore:
    return FilesystemStore(tmp_path / "others", fsync=False)


def ttl_of(store: KeyValueStore, key: str) -> float | None:
    return with_ttl(store).ttl(key)


def test_a_session_goes_from_files_to_memory_without_its_frame(
    files: KeyValueStore,
) -> None:
    with_ttl(files).put(KEY, b"data", 100)
    memory = DictStore()
    carried = carry(files, memory, KEY)
    assert memory.get(KEY) == b"data"
    assert 99 < (memory.ttl(KEY) or 0) <= 100
    assert carried.value.size == 4
    assert not carried.lost_expiry


def test_a_session_goes_from_memory_to_files_behind_a_frame(
    files: KeyValueStore,
) -> None:
    memory = DictStore()
    memory.put(KEY, b"data", 100)
    assert not carry(memory, files, KEY).lost_expiry
    assert len(files.get(KEY)) == 20
    assert with_ttl(files).get(KEY) == b"data"
    assert 99 < (ttl_of(files, KEY) or 0) <= 100


def test_a_session_that_never_ends_does_not_end_afterwards(
    files: KeyValueStore,
) -> None:
    memory = DictStore()
    memory.put(KEY, b"data")
    carry(memory, files, KEY)
    assert ttl_of(files, KEY) is None
    again = DictStore()
    again.default_ttl_secs = 5
    carry(files, again, KEY)
    assert (again.get(KEY), again.ttl(KEY)) == (b"data", None)


def test_a_session_stays_as_it_is_between_files(
    files: KeyValueStore, tmp_path: Path
) -> None:
    with_ttl(files).put(KEY, b"data", 100)
    target = other_files(tmp_path)
    carried = carry(files, target, KEY)
    assert target.get(KEY) == files.get(KEY)
    assert carried.value.is_same(fingerprint(files, KEY))


def test_a_session_without_a_frame_is_carried_as_it_is(files: KeyValueStore) -> None:
    files.put(KEY, b"stored by somebody else")
    memory = DictStore()
    carry(files, memory, KEY)
    assert memory.get(KEY) == b"stored by somebody else"


def test_what_is_no_session_stays_as_it_is_and_may_lose_its_end(
    files: KeyValueStore,
) -> None:
    memory, other = DictStore(), DictStore()
    memory.put(PLAIN, b"cat", 100)
    assert carry(memory, files, PLAIN).lost_expiry
    assert files.get(PLAIN) == b"cat"
    assert not carry(memory, other, PLAIN).lost_expiry
    assert 99 < (other.ttl(PLAIN) or 0) <= 100


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 300_000])
@pytest.mark.parametrize("key", [KEY, PLAIN])
def test_any_size_arrives_and_has_the_same_fingerprint(
    files: KeyValueStore, key: str, size: int
) -> None:
    data = sample(size)
    with_ttl(files).put(key, data) if key == KEY else files.put(key, data)
    memory, told = DictStore(), list[int]()
    carried = carry(files, memory, key, "mkv-other", progress=told.append)
    there = fingerprint(memory, "mkv-other")
    assert memory.get("mkv-other") == data
    assert carried.value.md5 == md5(data, usedforsecurity=False).hexdigest()
    assert carried.value.is_same(there)
    assert carried.value.size == sum(told) == size
    assert there.is_same(fingerprint(files, key))


def test_a_listing_tells_the_size_without_the_frame(files: KeyValueStore) -> None:
    with_ttl(files).put(KEY, b"data", 100)
    files.put(PLAIN, b"cat")
    sizes = {meta.key: value_size(files, meta) for meta in files.iter_meta()}
    assert sizes == {KEY: 4, PLAIN: 3}
    memory = DictStore({KEY: b"data"})
    assert value_size(memory, memory.head(KEY)) == 4


def test_a_value_is_read_by_one_request() -> None:
    source = CountingDecorator(DictStore({PLAIN: b"cat"}))
    carry(source, DictStore(), PLAIN)
    assert source.take_calls() == ["stream"]


def test_nothing_is_asked_where_the_listing_has_the_md5() -> None:
    store = CountingDecorator(DictStore({PLAIN: b"cat"}))
    known = ObjectMeta(PLAIN, 3, md5="d077f244def8a70e5ea758bd8352fcd8")
    assert fingerprint(store, PLAIN, known).is_same(fingerprint(store, PLAIN))
    assert store.take_calls() == ["stream"]


def test_what_has_expired_is_not_carried(files: KeyValueStore, tmp_path: Path) -> None:
    with_ttl(files).put(KEY, b"data", 0)
    for target in (DictStore(), other_files(tmp_path)):
        with pytest.raises(KeyNotFound):
            carry(files, target, KEY)
        assert not target.keys()
    with pytest.raises(KeyNotFound):
        fingerprint(files, KEY)


def test_another_version_is_not_carried() -> None:
    source, target = DictStore({PLAIN: b"cat"}), DictStore()
    version = source.head(PLAIN).etag
    source.put(PLAIN, b"dog")
    with pytest.raises(PreconditionFailed):
        carry(source, target, PLAIN, version=version)
    assert not target.keys()


def test_conditions_are_those_of_the_target() -> None:
    source, target = DictStore({PLAIN: b"cat"}), DictStore({PLAIN: b"dog"})
    with pytest.raises(KeyExists):
        carry(source, target, PLAIN, if_absent=True)
    with pytest.raises(PreconditionFailed):
        carry(source, target, PLAIN, if_match="other")
    assert target.get(PLAIN) == b"dog"
    carry(source, target, PLAIN, if_match=target.head(PLAIN).etag)
    assert target.get(PLAIN) == b"cat"


def test_a_key_that_the_target_cannot_have_is_an_invalid_key() -> None:
    source = TimeToLiveDecorator(DictStore())
    source.put("a" * 250, b"long")
    with pytest.raises(InvalidKey):
        carry(source, DictStore(), "a" * 250, "a" * 251)


class Short(DictStore):
    """A source that ends before it has given all."""

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, source = super()._stream(*args, **options)
        return meta, io.BytesIO(source.read()[:-1])


def test_a_source_that_ends_too_soon_leaves_the_old_value() -> None:
    target = DictStore({PLAIN: b"dog"})
    with pytest.raises(StoreError, match="ended after 2 of 3"):
        carry(Short({PLAIN: b"cat"}), target, PLAIN)
    assert target.get(PLAIN) == b"dog"


# What is deleted meanwhile.


class Deleting(PausingDecorator):
    """A store in which somebody deletes right after a value was stored."""

    def __init__(self, store: KeyValueStore, then: Any) -> None:
        super().__init__(store)
        self._then = then

    def _put_file(self, *args: Any, **options: Any) -> str | None:
        done = super()._put_file(*args, **options)
        self._then()
        return done


def test_what_is_deleted_meanwhile_does_not_come_back() -> None:
    source, target = DictStore({PLAIN: b"cat"}), DictStore()
    deleting = Deleting(target, lambda: source.delete(PLAIN))
    with pytest.raises(KeyNotFound):
        carry_missing(source, deleting, PLAIN)
    assert not target.keys()


@pytest.mark.parametrize("ttl_secs", [None, 50])
def test_what_others_have_put_in_its_place_stays(ttl_secs: float | None) -> None:
    source, target = DictStore({PLAIN: b"cat"}), DictStore()

    def replace() -> None:
        target.put(PLAIN, b"dog" if ttl_secs is None else b"cat", ttl_secs)
        source.delete(PLAIN)

    with pytest.raises(KeyNotFound):
        carry_missing(source, Deleting(target, replace), PLAIN)
    assert target.get(PLAIN) == (b"dog" if ttl_secs is None else b"cat")


def test_what_is_there_already_is_left_alone() -> None:
    target = DictStore({PLAIN: b"dog"})
    with pytest.raises(KeyExists):
        carry_missing(DictStore({PLAIN: b"cat"}), target, PLAIN)
    assert target.get(PLAIN) == b"dog"


# Answers that are lost.


class LosesAnAnswer(DictStore):
    """A target that somebody signs out of just before it stores, and says nothing."""

    def __init__(self, source: KeyValueStore) -> None:
        super().__init__()
        self._source: KeyValueStore | None = source

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        source, self._source = self._source, None
        data = io.BytesIO(file.read())
        if source is None:
            return super()._put_file(key, data, *args, **options)
        source.delete(key)
        self.delete(key)
        super()._put_file(key, data, *args, **options)
        raise StoreUnavailable("no answer")


class LosesALook(DictStore):
    """A source that somebody signs out of, and that cannot be asked just then."""

    is_read = is_ended = False

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        self.is_read = True
        return super()._stream(*args, **options)

    def _has_key(self, key: str) -> bool:
        if self.is_ended or not self.is_read:
            return super()._has_key(key)
        self.is_ended = True
        self.delete(key)
        raise StoreUnavailable("no answer")


@pytest.mark.parametrize(
    ("kind", "target_of"),
    [(DictStore, LosesAnAnswer), (LosesALook, lambda _: DictStore())],
    ids=["its answer was lost", "nobody looked after it"],
)
def test_a_copy_that_ended_unclearly_is_taken_back_by_the_next_try(
    kind: Callable[..., Any], target_of: Callable[[Any], Any]
) -> None:
    source, sent = kind({PLAIN: b"cat"}), list[Any]()
    target = target_of(source)
    with pytest.raises(StoreUnavailable):
        carry_missing(source, target, PLAIN, sent=sent)
    assert target.get(PLAIN) == b"cat"
    with pytest.raises(KeyNotFound):
        carry_missing(source, target, PLAIN, sent=sent)
    assert not target.keys()


def test_a_copy_of_one_try_is_taken_back_before_the_error_is_raised() -> None:
    source = DictStore({PLAIN: b"cat"})
    target = LosesAnAnswer(source)
    with pytest.raises(StoreUnavailable):
        carry_missing(source, target, PLAIN)
    assert not target.keys()


@pytest.mark.parametrize("loses", ["the answer", "the look"])
def test_a_sync_brings_nothing_back_after_a_lost_answer(loses: str) -> None:
    source: KeyValueStore = DictStore({PLAIN: b"cat"})
    target: KeyValueStore = LosesAnAnswer(source)
    if loses == "the look":
        source, target = LosesALook({PLAIN: b"cat"}), DictStore()
    assert sync(source, target, missing_only=True).complete
    assert not target.keys()
