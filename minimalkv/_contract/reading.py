"""What every store gives back: values, facts, ranges and files."""

import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from minimalkv._contract.base import Contract, check_bytes
from minimalkv._contract.tools import Trickle, sample
from minimalkv._errors import InvalidArgument, KeyNotFound
from minimalkv._key_value_store import KeyValueStore

# About the sizes of pipes, of pages, of the chunks of the copy loop, and of parts.
SIZES = (0, 1, 65535, 65536, 65537, 2**20 + 1, 5 * 2**20)
_SMALL = (b"", b"a", b"0123456")


class ReadingContract(Contract):
    """Reading without `open`; the values come in by `Contract.fill`."""

    def test_missing_key_is_a_key_error_that_holds_the_key(
        self, store: KeyValueStore
    ) -> None:
        self.fill(store, {"other": b"x"})
        for read in (
            store.get,
            store.get_with_meta,
            store.head,
            store.open,
            store.stream,
            lambda key: store.stream(key, 0, 0),
            lambda key: store.stream(key, -1),
            lambda key: store.get_file(key, io.BytesIO()),
            lambda key: store.get_file(key, os.devnull),
        ):
            with pytest.raises(KeyNotFound) as caught:
                read("missing")
            assert caught.value.args[0] == "missing"
            assert isinstance(caught.value, KeyError)
            assert "missing" in str(caught.value)

    def test_contains_tells_what_is_there(self, store: KeyValueStore) -> None:
        assert "key" not in store
        self.fill(store, {"key": b"", "key2": b"x"})
        assert "key" in store
        assert "key2" in store
        assert "ke" not in store

    def test_facts_are_the_same_by_every_way(self, store: KeyValueStore) -> None:
        value = sample(1000)
        self.fill(store, {"pic.png": value})
        data, first = store.get_with_meta("pic.png")
        streamed, file = store.stream("pic.png", 10, 20)
        with file:
            check_bytes(file.read(), value[10:20])
        (listed,) = store.iter_meta()
        check_bytes(data, value)
        for meta in (first, streamed, listed, store.head("pic.png")):
            assert (meta.key, meta.size, meta.expires) == ("pic.png", 1000, None)
            assert meta.etag == first.etag
            if meta.modified is not None:
                assert abs(meta.modified - datetime.now(UTC)) < timedelta(hours=1)

    def test_content_type_is_guessed_from_the_key(self, store: KeyValueStore) -> None:
        kinds = {
            "a.png": "image/png",
            "a.tar.gz": "application/gzip",
            "a": "application/octet-stream",
            "png": "application/octet-stream",
        }
        self.fill(store, dict.fromkeys(kinds, b"x"))
        assert {key: store.head(key).content_type for key in kinds} == kinds

    @pytest.mark.parametrize("value", _SMALL)
    def test_every_range_gives_what_a_slice_gives(
        self, store: KeyValueStore, value: bytes
    ) -> None:
        self.fill(store, {"key": value})
        size = len(value)
        ranges: list[tuple[int, int | None]]
        ranges = [(start, None) for start in range(-size - 2, size + 3)]
        ranges += [(a, b) for a in range(size + 3) for b in range(size + 3)]
        for start, stop in ranges:
            meta, file = store.stream("key", start, stop)
            with file:
                assert file.read() == value[start:stop], (start, stop)
                assert file.read() == b""
            assert meta.size == size
            assert meta.key == "key"

    def test_range_far_beyond_the_end_is_cut(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"0123456"})
        for start, stop in [
            (0, 2**63),
            (2**40, None),
            (2**40, 2**41),
            (-(2**40), None),
        ]:
            meta, file = store.stream("key", start, stop)
            with file:
                assert file.read() == b"0123456"[start:stop]
            assert meta.size == 7

    def test_range_that_no_value_has_is_refused(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"0123456"})
        for start, stop in [(0, -1), (-3, 2), (-3, 0), (-1, -1), (3, -2)]:
            with pytest.raises(InvalidArgument):
                store.stream("key", start, stop)

    def test_ranges_of_a_large_value_are_exact(self, store: KeyValueStore) -> None:
        value = sample(2**20 + 1)
        self.fill(store, {"key": value})
        edges = (0, 1, 65535, 65536, 65537, 262143, 262145, 2**20, 2**20 + 1)
        for start, stop in zip(edges, edges[2:], strict=False):
            meta, file = store.stream("key", start, stop)
            with file:
                check_bytes(file.read(), value[start:stop])
            assert meta.size == len(value)
        _, file = store.stream("key", -65537)
        with file:
            parts = [file.read(1000), file.read(0), file.read(1), file.read(-1)]
        check_bytes(b"".join(parts), value[-65537:])

    @pytest.mark.parametrize("size", SIZES)
    def test_value_comes_back_whole_by_every_way(
        self, store: KeyValueStore, size: int, folder: Path
    ) -> None:
        value = sample(size)
        target = io.BytesIO()
        self.fill(store, {"key": value})
        check_bytes(store.get("key"), value)
        assert store.get_file("key", folder / "file") == "key"
        check_bytes((folder / "file").read_bytes(), value)
        assert store.get_file("key", target) == "key"
        check_bytes(target.getvalue(), value)
        with store.open("key") as file:
            check_bytes(file.read(), value)
        meta, file = store.stream("key")
        with file:
            check_bytes(b"".join(iter(lambda: file.read(100_000), b"")), value)
        assert meta.size == store.head("key").size == size

    def test_get_file_takes_names_and_paths_and_replaces_what_was_there(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        self.fill(store, {"key": b"new", "empty": b""})
        for name in (folder / "path", str(folder / "text")):
            Path(name).write_bytes(b"much longer than the new value")
            store.get_file("key", name)
            assert Path(name).read_bytes() == b"new"
            store.get_file("empty", name)
            assert Path(name).read_bytes() == b""
        assert {path.name for path in folder.iterdir()} == {"path", "text"}

    def test_get_file_writes_into_a_device(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": sample(100_000)})
        assert store.get_file("key", os.devnull) == "key"
        assert not Path(os.devnull).is_file()

    def test_get_file_of_a_missing_key_leaves_the_file_alone(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        kept = folder / "kept"
        kept.write_bytes(b"precious")
        for name in (kept, folder / "new", str(folder / "new")):
            with pytest.raises(KeyNotFound):
                store.get_file("missing", name)
        assert kept.read_bytes() == b"precious"
        assert list(folder.iterdir()) == [kept]

    def test_get_file_of_a_missing_key_writes_nothing(
        self, store: KeyValueStore
    ) -> None:
        target = io.BytesIO()
        with pytest.raises(KeyNotFound):
            store.get_file("missing", target)
        assert target.getvalue() == b""
        assert not target.closed

    def test_get_file_into_a_missing_folder_is_an_os_error(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        self.fill(store, {"key": b"value"})
        with pytest.raises(OSError, match="missing"):
            store.get_file("key", folder / "missing" / "file")
        assert list(folder.iterdir()) == []

    def test_get_file_into_a_full_pipe_writes_all(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": sample(1000)})
        pipe = Trickle()
        store.get_file("key", pipe)  # type: ignore[arg-type]  # write is all it needs
        check_bytes(bytes(pipe.taken), sample(1000))

    def test_get_file_passes_on_what_write_raises(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"value"})
        with Path(os.devnull).open("rb") as unwritable, pytest.raises(OSError):  # noqa: PT011 - any
            store.get_file("key", unwritable)
        assert store.get("key") == b"value"

    def test_put_reaches_the_backend(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"value"})
        assert self.raw_get(store, "key") == b"value"
        assert self.reopen(store).get("key") == b"value"

    def test_what_stands_in_the_backend_is_seen(self, store: KeyValueStore) -> None:
        self.fill(store, {"key": b"old"})
        store.get("key")
        self.raw_set(store, "new", b"planted")
        assert store.get("new") == b"planted"
        assert sorted(store) == ["key", "new"]
        self.raw_set(store, "key", b"replaced")
        assert store.get("key") == b"replaced"
        assert store.head("key").size == 8
