"""What becomes of what is written bit by bit: all of it, or nothing."""

import gc
import zipfile
from typing import BinaryIO, cast

import pytest

from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.tools import SourceError, sample
from minimalkv._errors import InvalidData
from minimalkv._key_value_store import KeyValueStore


class WriterContract(Contract):
    """The file of `open_writer`."""

    def test_writer_publishes_when_it_is_closed(self, store: KeyValueStore) -> None:
        store.put("old", b"old")
        for key in ("new", "old"):
            writer = store.open_writer(key)
            assert writer.write(b"begin ") == 6
            writer.write(b"end")
            assert ("new" in store, store.get("old")) == (key == "old", b"old")
            writer.close()
            assert store.get(key) == b"begin end"
            writer.close()
            assert writer.closed

    def test_writer_publishes_at_the_end_of_its_block(
        self, store: KeyValueStore
    ) -> None:
        with store.open_writer("key") as writer:
            writer.write(b"value")
            assert sorted(store) == []
        check_values(store, {"key": b"value"})

    def test_writer_aborts_on_an_exception(self, store: KeyValueStore) -> None:
        store.put("old", b"old")
        names = self.raw_names(store)
        for key in ("new", "old"):
            for error in (SourceError(), KeyboardInterrupt()):
                writer = store.open_writer(key)
                writer.write(sample(100_000))
                with pytest.raises(type(error)), writer:
                    raise error
                assert writer.closed
        check_values(store, {"old": b"old"})
        assert self.raw_names(store) == names

    def test_writer_aborts_when_told_to(self, store: KeyValueStore) -> None:
        store.put("old", b"old")
        names = self.raw_names(store)
        for key in ("new", "old"):
            writer = store.open_writer(key)
            writer.write(sample(100_000))
            writer.abort()
            writer.abort()
            writer.close()
            assert writer.closed
        check_values(store, {"old": b"old"})
        assert self.raw_names(store) == names

    def test_forgotten_writer_aborts(self, store: KeyValueStore) -> None:
        store.put("old", b"old")
        names = self.raw_names(store)
        for key in ("new", "old"):
            store.open_writer(key).write(sample(100_000))
        gc.collect(1)  # all of it takes long amid thousands of tests
        check_values(store, {"old": b"old"})
        assert self.raw_names(store) == names

    def test_abort_after_close_takes_nothing_back(self, store: KeyValueStore) -> None:
        writer = store.open_writer("key")
        writer.write(b"value")
        writer.close()
        writer.abort()
        check_values(store, {"key": b"value"})

    def test_closed_writer_takes_nothing_more(self, store: KeyValueStore) -> None:
        writer = store.open_writer("key")
        writer.write(b"value")
        writer.close()
        with pytest.raises(ValueError, match="closed"):
            writer.write(b"more")
        with pytest.raises(ValueError, match=r"."), writer:
            raise AssertionError("A closed file was entered.")
        check_values(store, {"key": b"value"})

    def test_writer_is_a_file_to_write_only(self, store: KeyValueStore) -> None:
        with store.open_writer("key") as writer:
            assert writer.writable()
            assert not writer.readable()
            assert writer.tell() == 0
            for data in (bytearray(b"ab"), memoryview(b"cd"), b"", b"e"):
                assert writer.write(data) == len(data)
            writer.writelines([b"f", b"g"])
            writer.flush()
            assert writer.tell() == 7
            with pytest.raises(OSError, match=r"."):
                writer.read()
        assert store.get("key") == b"abcdefg"

    def test_writer_refuses_text_and_stores_nothing(self, store: KeyValueStore) -> None:
        store.put("key", b"old")
        for data in ("text", None, 5):
            writer = store.open_writer("key")
            writer.write(b"begin")
            with pytest.raises(InvalidData), writer:
                writer.write(data)
        check_values(store, {"key": b"old"})

    def test_writer_of_nothing_stores_an_empty_value(
        self, store: KeyValueStore
    ) -> None:
        store.open_writer("key").close()
        check_values(store, {"key": b""})

    def test_writer_takes_a_value_of_any_size(self, store: KeyValueStore) -> None:
        value = sample(5 * 2**20)
        with store.open_writer("key") as writer:
            for begin in range(0, len(value), 99_991):
                writer.write(value[begin : begin + 99_991])
        check_bytes(store.get("key"), value)

    def test_last_of_two_writers_wins(self, store: KeyValueStore) -> None:
        first, second = store.open_writer("key"), store.open_writer("key")
        first.write(b"first")
        second.write(b"second")
        second.close()
        assert store.get("key") == b"second"
        first.close()
        assert store.get("key") == b"first"

    def test_writer_feeds_what_writes_files(self, store: KeyValueStore) -> None:
        with (
            store.open_writer("key.zip") as writer,
            zipfile.ZipFile(cast("BinaryIO", writer), "w") as archive,
        ):
            archive.writestr("inner", sample(10_000))
        with store.open("key.zip") as file, zipfile.ZipFile(file) as archive:
            check_bytes(archive.read("inner"), sample(10_000))
