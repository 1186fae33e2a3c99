"""Whatever happens in the middle of a move: nothing is lost, and nothing comes back."""

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from minimalkv import KEEP, KeyNotFound, KeyValueStore, PreconditionFailed
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv.ttl import with_ttl
from tests.migration.moments import KEY, Act, Killed, Site, at_each_moment

NewSite = Callable[[], Site]


@pytest.fixture(
    params=["memory to memory", "files to memory", "memory to files", "files to files"]
)
def new_site(request: pytest.FixtureRequest) -> NewSite:
    """Return a function that makes sites whose session, a 5, is in the old store."""
    folder = Path(request.getfixturevalue("tmp_path"))
    numbers = count()

    def make(kind: str) -> KeyValueStore:
        if kind == "memory":
            return DictStore()
        return FilesystemStore(folder / str(next(numbers)), fsync=False)

    kinds = str(request.param).split(" to ")
    return lambda: Site(make(kinds[0]), make(kinds[1]), b"5")


def put_on_condition(store: KeyValueStore) -> None:
    _, meta = store.get_with_meta(KEY)
    store.put(KEY, b"mine", 100, if_match=meta.etag)


def put_file_on_condition(store: KeyValueStore) -> None:
    etag = store.head(KEY).etag
    store.put_file(KEY, io.BytesIO(b"mine"), 100, if_match=etag)


def write_on_condition(store: KeyValueStore) -> None:
    with store.open_writer(KEY, 100, if_match=store.head(KEY).etag) as writer:
        writer.write(b"mine")


def touch(store: KeyValueStore) -> None:
    store.touch(KEY, 100)


def append(letter: bytes) -> Act:
    def once(old: bytes | None) -> bytes:
        if old is None:
            raise KeyNotFound(KEY)
        return old + letter

    return lambda store: store.update(KEY, once, 100)


def add_one(store: KeyValueStore) -> None:
    store.increment(KEY)


def keep(store: KeyValueStore) -> None:
    store.update(KEY, lambda _: b"mine", KEEP)


def put(store: KeyValueStore) -> None:
    store.put(KEY, b"mine", 100)


def put_many(store: KeyValueStore) -> None:
    store.put_many({KEY: b"mine"}, 100)


def end(store: KeyValueStore) -> None:
    store.delete(KEY)


def end_on_condition(store: KeyValueStore) -> None:
    store.delete(KEY, if_match=store.head(KEY).etag)


def end_many(store: KeyValueStore) -> None:
    store.delete_many([KEY])


def end_all(store: KeyValueStore) -> None:
    store.delete_prefix("mkv-")


CHANGES: list[Act] = [
    put_on_condition,
    put_file_on_condition,
    write_on_condition,
    touch,
    append(b"a"),
    add_one,
]
WRITES: list[Act] = [*CHANGES, keep, put, put_many]
ENDS: list[Act] = [end, end_on_condition, end_many, end_all]
READS: list[Act] = [
    lambda store: store.get(KEY),
    lambda store: store.get_with_meta(KEY),
    lambda store: store.head(KEY),
    lambda store: store.stream(KEY)[1].close(),
    lambda store: store.stream(KEY, 0, 1)[1].close(),
    lambda store: store.open(KEY).close(),
    lambda store: store.get_file(KEY, io.BytesIO()),
    lambda store: store.ttl(KEY),
    lambda store: store.get_many([KEY])[KEY],
    lambda store: store._get_with_etag(KEY),
    lambda store: {KEY in store: "found"}[True],
    lambda store: dict.fromkeys(store.keys("mkv-"), "found")[KEY],
    lambda store: {meta.key: meta for meta in store.iter_meta("mkv-")}[KEY],
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_session_that_is_ended_meanwhile_stays_ended(
    new_site: NewSite, change: Act
) -> None:
    for site, _ in at_each_moment(new_site, change, lambda site: end(site.store)):
        assert site.is_gone()


@pytest.mark.parametrize("write", WRITES)
def test_a_session_is_there_at_any_moment_of_a_write(
    new_site: NewSite, write: Act
) -> None:
    for site, result in at_each_moment(
        new_site, write, lambda site: site.store.get(KEY)
    ):
        assert not isinstance(result, Exception)
        assert KEY in site.store


@pytest.mark.parametrize("write", [append(b"a"), put])
@pytest.mark.parametrize("read", READS)
def test_a_session_that_moves_meanwhile_is_found(
    new_site: NewSite, read: Act, write: Act
) -> None:
    for _, result in at_each_moment(new_site, read, lambda site: write(site.store)):
        assert not isinstance(result, Exception)


@pytest.mark.parametrize("second", [b"a", b"b"])
def test_no_change_of_two_is_lost_or_made_twice(
    new_site: NewSite, second: bytes
) -> None:
    for site, result in at_each_moment(
        new_site, append(b"a"), lambda site: append(second)(site.store)
    ):
        assert not isinstance(result, Exception)
        assert sorted(site.store.get(KEY)) == sorted(b"5a" + second)


def test_no_increment_of_two_is_lost_or_made_twice(new_site: NewSite) -> None:
    for site, result in at_each_moment(
        new_site, add_one, lambda site: site.store.increment(KEY, 10)
    ):
        assert not isinstance(result, Exception)
        assert site.store.get(KEY) == b"16"


def test_who_writes_on_condition_does_not_replace_what_came_first(
    new_site: NewSite,
) -> None:
    for site, result in at_each_moment(
        new_site, put_on_condition, lambda site: site.store.put(KEY, b"theirs", 100)
    ):
        # It came before this one read, or it counts.
        if isinstance(result, PreconditionFailed):
            assert site.store.get(KEY) == b"theirs"
        else:
            assert site.store.get(KEY) in (b"mine", b"theirs")


@pytest.mark.parametrize("write", WRITES)
def test_a_process_that_is_killed_in_a_write_loses_nothing(
    new_site: NewSite, write: Act
) -> None:
    for site, result in at_each_moment(new_site, write, _kill):
        assert isinstance(result, Killed)
        assert site.store.get(KEY) in (b"5", b"mine", b"5a", b"6")
        end(site.store)
        assert site.is_gone()


@pytest.mark.parametrize("ending", ENDS)
def test_a_session_whose_end_was_cut_short_can_be_ended_again(
    new_site: NewSite, ending: Act
) -> None:
    for site, result in at_each_moment(new_site, ending, _kill):
        assert isinstance(result, Killed)
        assert site.store.get_many([KEY]) in ({}, {KEY: b"5"})
        end(site.store)
        assert site.is_gone()


@pytest.mark.parametrize("ending", ENDS)
def test_an_end_and_a_write_meanwhile_are_one_after_the_other(
    new_site: NewSite, ending: Act
) -> None:
    for site, result in at_each_moment(
        new_site, ending, lambda site: site.store.put(KEY, b"theirs", 100)
    ):
        assert site.store.get_many([KEY]) in ({}, {KEY: b"theirs"})
        if isinstance(result, PreconditionFailed):
            assert KEY in site.store


@pytest.mark.parametrize("ending", ENDS)
def test_an_old_value_is_not_seen_again_while_a_new_one_is_deleted(
    new_site: NewSite, ending: Act
) -> None:
    seen: list[bytes | None] = []

    def replaced() -> Site:
        site = new_site()
        with_ttl(site.new).put(KEY, b"new", 1000)
        return site

    def look(site: Site) -> None:
        seen.append(site.store.get_many([KEY]).get(KEY))

    for site, _ in at_each_moment(replaced, ending, look):
        look(site)
    for site, _ in at_each_moment(replaced, ending, _kill):
        look(site)
    assert set(seen) == {b"new", None}


def _kill(_: Site) -> None:
    raise Killed
