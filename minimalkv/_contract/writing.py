"""What becomes of what is stored: whole or never, whatever the source does."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minimalkv._constants import FOREVER, NOT_SET
from minimalkv._contract.base import Contract, check_bytes, check_values
from minimalkv._contract.reading import SIZES
from minimalkv._contract.tools import (
    Answers,
    Dribble,
    Slices,
    SourceError,
    Untouched,
    sample,
)
from minimalkv._errors import InvalidArgument, InvalidData, InvalidKey, MinimalkvError
from minimalkv._key_value_store import KeyValueStore

_NO_DATA = (
    None,
    "text",
    "",
    bytearray(b"x"),
    memoryview(b"x"),
    5,
    [b"x"],
    io.BytesIO(),
)


class WritingContract(Contract):
    """`put`, `put_file` and `delete`."""

    def test_put_returns_the_key_and_replaces(self, store: KeyValueStore) -> None:
        assert store.put("key", b"much longer than what follows") == "key"
        for value in (b"short", b"", b"a" * 1000, b"\0\r\n\xff"):
            assert store.put("key", value) == "key"
            check_values(store, {"key": value})

    def test_put_and_put_file_store_the_same(self, store: KeyValueStore) -> None:
        for size in SIZES[:-1]:
            value = sample(size)
            store.put("put", value)
            assert store.put_file("file", io.BytesIO(value)) == "file"
            check_bytes(store.get("put"), value)
            check_bytes(store.get("file"), value)

    def test_put_file_keeps_every_byte_of_short_reads(
        self, store: KeyValueStore
    ) -> None:
        small, large = sample(3000), sample(5 * 2**20)
        store.put_file("small", Dribble(small))
        store.put_file("large", Slices(large, 65521))
        store.put_file("once", Answers(b"all at once"))
        store.put_file("none", Dribble(b""))
        check_bytes(store.get("small"), small)
        check_bytes(store.get("large"), large)
        assert store.get("once") == b"all at once"
        assert store.get("none") == b""

    def test_put_file_begins_where_the_source_stands(
        self, store: KeyValueStore
    ) -> None:
        source = io.BytesIO(b"0123456789")
        source.seek(4)
        store.put_file("key", source)
        assert store.get("key") == b"456789"
        assert not source.closed

    def test_put_file_reads_a_pipe(self, store: KeyValueStore) -> None:
        reading, writing = os.pipe()
        os.write(writing, b"through a pipe")
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as source:
            store.put_file("key", source)
        assert store.get("key") == b"through a pipe"

    def test_put_file_takes_names_and_paths(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        names: list[str | os.PathLike[str]]
        names = [str(folder / "text"), folder / "path", _Named(folder / "named")]
        for number, name in enumerate(names):
            Path(name).write_bytes(sample(70_000, number))
            assert store.put_file("key", name) == "key"
            check_bytes(store.get("key"), sample(70_000, number))
            # A filesystem store has moved it in, whole.
            assert not Path(name).exists() or Path(name).stat().st_size == 70_000

    def test_put_file_leaves_a_link_and_its_target_alone(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        target = folder / "target"
        target.write_bytes(b"value")
        (folder / "symbolic").symlink_to(target)
        (folder / "hard").hardlink_to(target)
        for name in ("symbolic", "hard"):
            store.put_file(name, folder / name)
            store.put(name, b"another")
            assert target.read_bytes() == b"value"
            assert (folder / name).read_bytes() == b"value"

    def test_put_file_that_fails_leaves_the_file_alone(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        kept = folder / "kept"
        kept.write_bytes(b"precious")
        with pytest.raises(InvalidKey):
            store.put_file("..", kept)
        with pytest.raises(InvalidArgument):
            store.put_file("key", kept, content_type="a\nb")
        assert kept.read_bytes() == b"precious"
        check_values(store, {})

    def test_put_file_of_a_missing_file_keeps_the_old_value(
        self, store: KeyValueStore, folder: Path
    ) -> None:
        store.put("key", b"old")
        before = self.raw_names(store)
        for name in (folder / "missing", folder, folder / "missing" / "file"):
            with pytest.raises(OSError, match=r"."):
                store.put_file("key", name)
        check_values(store, {"key": b"old"})
        assert self.raw_names(store) == before
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("data", _NO_DATA, ids=lambda data: type(data).__name__)
    def test_put_of_no_bytes_is_refused_and_keeps_the_old_value(
        self, store: KeyValueStore, data: Any
    ) -> None:
        store.put("key", b"old")
        puts: list[Callable[[str], object]] = [
            lambda key: store.put(key, data),
            lambda key: store.put_many({"first": b"x", key: data}),
        ]
        for put in puts:
            for key in ("key", "new"):
                with pytest.raises(InvalidData) as caught:
                    put(key)
                assert isinstance(caught.value, TypeError)
                assert isinstance(caught.value, OSError)
        check_values(store, {"key": b"old"})

    @pytest.mark.parametrize("before", [(), (b"a",), (b"abc" * 50_000, b"x")])
    @pytest.mark.parametrize("answer", [None, "text", 5, SourceError("midway")])
    def test_put_file_from_a_failing_source_keeps_the_old_value(
        self, store: KeyValueStore, before: tuple[bytes, ...], answer: object
    ) -> None:
        store.put("key", b"old")
        names = self.raw_names(store)
        expected = SourceError if isinstance(answer, SourceError) else InvalidData
        for key in ("key", "new"):
            with pytest.raises(expected):
                store.put_file(key, Answers(*before, answer))
        check_values(store, {"key": b"old"})
        assert self.raw_names(store) == names

    def test_put_file_passes_on_what_the_source_raises(
        self, store: KeyValueStore
    ) -> None:
        for error in (SourceError(), OSError(5, "broken disk"), KeyboardInterrupt()):
            with pytest.raises(type(error)) as caught:
                store.put_file("key", Answers(b"begin", error))
            assert caught.value is error
        check_values(store, {})

    def test_value_is_not_there_while_its_source_is_read(
        self, store: KeyValueStore
    ) -> None:
        before = {"old": b"old"}

        class Watching(Dribble):
            def read(self, size: int = -1, /) -> bytes:
                assert "new" not in store
                check_values(store, before)
                return super().read(size)

        store.put("old", b"old")
        store.put_file("old", Watching(sample(30)))
        before["old"] = sample(30)
        store.put_file("new", Watching(sample(30)))
        check_values(store, {"old": sample(30), "new": sample(30)})

    def test_delete_takes_the_value_away(self, store: KeyValueStore) -> None:
        store.put("key", b"value")
        store.put("other", b"x")
        for _ in range(2):
            store.delete("key")
            check_values(store, {"other": b"x"})
            assert "key" not in store
        store.put("key", b"")
        check_values(store, {"key": b"", "other": b"x"})

    def test_nothing_is_left_behind(self, store: KeyValueStore) -> None:
        before = self.raw_names(store)
        store.put("put", b"x")
        store.put_file("file", io.BytesIO(b"x"))
        with store.open_writer("writer") as writer:
            writer.write(b"x")
        for key in ("put", "file", "writer", "missing"):
            store.delete(key)
        assert self.raw_names(store) == before

    def test_description_is_kept_or_ignored(self, store: KeyValueStore) -> None:
        kept: dict[str, Any] = {
            "content_type": "text/x-own; charset=utf-8",
            "headers": {"cache-control": "no-store", "Content-Disposition": "inline"},
        }
        store.put("put.png", b"x", **kept)
        store.put_file("file.png", io.BytesIO(b"x"), **kept)
        store.put_many({"many.png": b"x"}, **kept)
        with store.open_writer("writer.png", **kept):
            pass
        for key in ("put.png", "file.png", "many.png", "writer.png"):
            meta = store.head(key)
            if store.headers_support:
                assert meta.content_type == "text/x-own; charset=utf-8"
                assert meta.headers["Cache-Control"] == "no-store"
                assert meta.headers["Content-Disposition"] == "inline"
            else:
                assert (meta.content_type, meta.headers) == ("image/png", {})

    @pytest.mark.parametrize(
        "options",
        [
            {"content_type": "text/html\nX: y"},
            {"content_type": "text/html\r\n"},
            {"content_type": ""},
            {"content_type": b"text/html"},
            {"content_type": "text/\x00html"},
            {"headers": {"Cache-Control": "no-store\nX: y"}},
            {"headers": {"Cache-Control": "no-store\r\nX: y"}},
            {"headers": {"Cache-Control\n": "no-store"}},
            {"headers": {"Cache-Control": None}},
            {"headers": {"X-Own": "a"}},
            {"headers": {5: "a"}},
        ],
        ids=repr,
    )
    def test_bad_description_is_refused_before_anything_happens(
        self, store: KeyValueStore, options: dict[str, Any]
    ) -> None:
        store.put("key", b"old")
        for write in _writes(store, options):
            with pytest.raises(InvalidArgument):
                write()
        check_values(store, {"key": b"old"})

    def test_ways_to_say_no_expiry_work_everywhere(self, store: KeyValueStore) -> None:
        for ttl_secs in (None, FOREVER, NOT_SET):
            store.put("key", b"value", ttl_secs)
            store.put_file("file", io.BytesIO(b"value"), ttl_secs)
            store.put_many({"many": b"value"}, ttl_secs)
            store.open_writer("writer", ttl_secs).close()
            assert store.get("key") == b"value"
            assert store.head("file").expires is None

    @pytest.mark.parametrize("ttl_secs", [-1, float("nan"), True, "soon", b"5", [5]])
    def test_bad_ttl_is_refused_before_anything_happens(
        self, store: KeyValueStore, ttl_secs: Any
    ) -> None:
        store.put("key", b"old")
        for write in _writes(store, {"ttl_secs": ttl_secs}):
            with pytest.raises(MinimalkvError) as caught:
                write()
            expected = ValueError if store.ttl_support else NotImplementedError
            assert isinstance(caught.value, expected)
        check_values(store, {"key": b"old"})


def _writes(
    store: KeyValueStore, options: dict[str, Any]
) -> list[Callable[[], object]]:
    return [
        lambda: store.put("key", b"new", **options),
        lambda: store.put_file("key", Untouched(), **options),
        lambda: store.open_writer("key", **options),
        lambda: store.put_many({"key": b"new"}, **options),
    ]


class _Named:
    """An os.PathLike that is no pathlib.Path."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)
