"""Who was first: conditional writes, and the verbs that stand on them."""

import gc
import io
from collections.abc import Callable
from typing import Any

import pytest

from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.tools import Dribble, Untouched, sample
from minimalkv._errors import (
    InvalidArgument,
    KeyExists,
    PreconditionFailed,
)
from minimalkv._key_value_store import KeyValueStore

_FOREIGN = (
    "x",
    "*",
    '"x"',
    "0",
    "-1",
    "@",
    "@0",
    "a@0",
    "a@b",
    "é",
    "\0",
    "\n",
    "e" * 9999,
)


def etag_of(store: KeyValueStore, key: str) -> str:
    """Return the version of a value, which is there."""
    etag = store.head(key).etag
    assert isinstance(etag, str)
    assert etag
    return etag


class EtagContract(Contract):
    """What a version is, and the writes that ask for one."""

    etag_puts: int = 200
    """How many versions in a row are compared."""

    def test_store_says_that_it_has_conditions(self, store: KeyValueStore) -> None:
        assert store.conditional_support is True

    def test_etag_changes_with_every_put(self, store: KeyValueStore) -> None:
        seen = []
        for number in range(self.etag_puts):
            store.put("key", b"%06d" % number)
            seen.append(etag_of(store, "key"))
        assert len(set(seen)) == self.etag_puts

    def test_etag_changes_with_every_way_to_write(self, store: KeyValueStore) -> None:
        seen = []
        for number in range(10):
            value = b"%06d" % number
            store.put_file("key", io.BytesIO(value))
            seen.append(etag_of(store, "key"))
            with store.open_writer("key") as writer:
                writer.write(b"w" + value)
            seen.append(etag_of(store, "key"))
            store.put_many({"key": b"m" + value})
            seen.append(etag_of(store, "key"))
            store.put("source", b"c" + value)
            store.copy("source", "key")
            seen.append(etag_of(store, "key"))
            store.move("source", "key")
        assert len(set(seen)) == 40

    def test_etag_is_new_after_delete_and_put(self, store: KeyValueStore) -> None:
        seen = []
        for number in range(20):
            store.put("key", b"%06d" % number)
            seen.append(etag_of(store, "key"))
            store.delete("key")
        assert len(set(seen)) == 20

    def test_etag_stays_while_the_value_does(self, store: KeyValueStore) -> None:
        store.put("key", sample(1000))
        store.put("other", b"x")
        first = etag_of(store, "key")
        store.put("other", b"y")
        store.get("key")
        streamed, file = store.stream("key", 10, 20)
        file.close()
        listed = {meta.key: meta.etag for meta in store.iter_meta()}
        assert etag_of(self.reopen(store), "key") == first
        assert store.get_with_meta("key")[1].etag == first
        assert (streamed.etag, listed["key"]) == (first, first)
        assert store.head("key").etag == first

    def test_if_absent_creates_once(self, store: KeyValueStore) -> None:
        assert store.put("key", b"", if_absent=True) == "key"
        for write in _writes(store, if_absent=True):
            with pytest.raises(KeyExists) as caught:
                write()
            assert isinstance(caught.value, FileExistsError)
            assert "key" in str(caught.value)
        check_values(store, {"key": b""})
        store.delete("key")
        store.put("key", b"again", if_absent=True)
        check_values(store, {"key": b"again"})

    def test_if_match_replaces_that_version_only(self, store: KeyValueStore) -> None:
        store.put("key", b"0")
        old = etag_of(store, "key")
        for number in range(5):
            store.put("key", b"value-%d" % number, if_match=etag_of(store, "key"))
            assert store.get("key") == b"value-%d" % number
            for write in _writes(store, if_match=old):
                with pytest.raises(PreconditionFailed) as caught:
                    write()
                assert not isinstance(caught.value, KeyExists)
            check_values(store, {"key": b"value-%d" % number})

    def test_if_match_of_a_deleted_value_fails(self, store: KeyValueStore) -> None:
        store.put("key", b"value")
        etag = etag_of(store, "key")
        store.delete("key")
        names = self.raw_names(store)
        for write in [*_writes(store, if_match=etag), *_uses(store, etag)]:
            with pytest.raises(PreconditionFailed):
                write()
        check_values(store, {})
        assert self.raw_names(store) == names

    def test_if_match_of_another_key_fails(self, store: KeyValueStore) -> None:
        store.put("other", b"another")
        store.put("key", b"value")
        for write in _writes(store, if_match=etag_of(store, "other")):
            with pytest.raises(PreconditionFailed):
                write()
        check_values(store, {"key": b"value", "other": b"another"})

    @pytest.mark.parametrize("etag", _FOREIGN, ids=lambda etag: ascii(etag[:9]))
    def test_foreign_etag_matches_nothing(
        self, store: KeyValueStore, etag: str
    ) -> None:
        store.put("key", b"value")
        for key in ("key", "missing"):
            calls = [*_writes(store, key, if_match=etag), *_uses(store, etag, key)]
            for call in calls:
                with pytest.raises((PreconditionFailed, InvalidArgument)):
                    call()
        check_values(store, {"key": b"value"})

    @pytest.mark.parametrize("etag", ["", 5, b"x", True, 1.5], ids=repr)
    def test_what_is_no_etag_is_refused(self, store: KeyValueStore, etag: Any) -> None:
        store.put("key", b"value")
        for call in [*_writes(store, if_match=etag), *_uses(store, etag)]:
            with pytest.raises(InvalidArgument):
                call()
        check_values(store, {"key": b"value"})

    def test_both_conditions_at_once_are_refused(self, store: KeyValueStore) -> None:
        store.put("key", b"value")
        etag = etag_of(store, "key")
        writes: list[Callable[[], object]] = [
            lambda: store.put("key", b"new", if_absent=True, if_match=etag),
            lambda: store.put_file("key", Untouched(), if_absent=True, if_match=etag),
            lambda: store.open_writer("key", if_absent=True, if_match=etag),
        ]
        for write in writes:
            with pytest.raises(InvalidArgument):
                write()
        check_values(store, {"key": b"value"})

    def test_put_file_keeps_its_conditions(self, store: KeyValueStore) -> None:
        large = sample(300_000)
        store.put_file("key", Dribble(b"created"), if_absent=True)
        store.put_file("key", io.BytesIO(large), if_match=etag_of(store, "key"))
        check_bytes(store.get("key"), large)

    def test_put_file_looks_when_all_was_read(self, store: KeyValueStore) -> None:
        class Slow(Dribble):
            def read(self, size: int = -1, /) -> bytes:
                store.put("key", b"somebody was faster")
                return super().read(size)

        with pytest.raises(KeyExists):
            store.put_file("key", Slow(b"value"), if_absent=True)
        check_values(store, {"key": b"somebody was faster"})
        store.put("key", b"mine")
        with pytest.raises(PreconditionFailed):
            store.put_file("key", Slow(b"value"), if_match=etag_of(store, "key"))
        check_values(store, {"key": b"somebody was faster"})

    def test_writer_keeps_its_conditions(self, store: KeyValueStore) -> None:
        with store.open_writer("key", if_absent=True) as writer:
            writer.write(b"created")
        with store.open_writer("key", if_match=etag_of(store, "key")) as writer:
            writer.write(b"replaced")
        check_values(store, {"key": b"replaced"})

    def test_writer_looks_when_it_is_closed(self, store: KeyValueStore) -> None:
        store.put("key", b"")
        names = self.raw_names(store)
        store.delete("key")
        writer = store.open_writer("key", if_absent=True)
        writer.write(b"late")
        store.put("key", b"early")
        with pytest.raises(KeyExists):
            writer.close()
        assert writer.closed
        check_values(store, {"key": b"early"})
        writer = store.open_writer("key", if_match=etag_of(store, "key"))
        writer.write(b"late")
        store.put("key", b"earlier")
        with pytest.raises(PreconditionFailed), writer:
            writer.write(b"later")
        check_values(store, {"key": b"earlier"})
        del writer
        gc.collect(1)
        assert self.raw_names(store) == names

    def test_put_many_names_the_keys_that_exist(self, store: KeyValueStore) -> None:
        store.put_many({"a": b"old", "c": b"old"})
        new = dict.fromkeys(["a", "b", "c", "d"], b"new")
        with pytest.raises(KeyExists) as caught:
            store.put_many(new, if_absent=True)
        assert sorted(caught.value.failed_keys) == ["a", "c"]
        check_values(store, {"a": b"old", "b": b"new", "c": b"old", "d": b"new"})

    def test_delete_takes_that_version_only(self, store: KeyValueStore) -> None:
        store.put("key", b"old")
        old = etag_of(store, "key")
        store.put("key", b"new")
        with pytest.raises(PreconditionFailed):
            store.delete("key", if_match=old)
        check_values(store, {"key": b"new"})
        store.delete("key", if_match=etag_of(store, "key"))
        check_values(store, {})

    def test_stream_reads_that_version_only(self, store: KeyValueStore) -> None:
        store.put("key", b"0123456789")
        old = etag_of(store, "key")
        for start, stop in [(0, None), (2, 5), (-3, None), (0, 0), (20, 30)]:
            meta, file = store.stream("key", start, stop, if_match=old)
            with file:
                assert file.read() == b"0123456789"[start:stop]
            assert (meta.etag, meta.size) == (old, 10)
        store.put("key", b"9876543210")
        for start, stop in [(0, None), (2, 5), (-3, None), (0, 0), (20, 30)]:
            with pytest.raises(PreconditionFailed):
                store.stream("key", start, stop, if_match=old)


def _writes(
    store: KeyValueStore, key: str = "key", **conditions: Any
) -> list[Callable[[], object]]:
    return [
        lambda: store.put(key, b"evil", **conditions),
        lambda: store.put_file(key, io.BytesIO(b"evil"), **conditions),
        lambda: store.open_writer(key, **conditions).close(),
    ]


def _uses(
    store: KeyValueStore, etag: str, key: str = "key"
) -> list[Callable[[], object]]:
    return [
        lambda: store.delete(key, if_match=etag),
        lambda: store.stream(key, if_match=etag),
    ]
