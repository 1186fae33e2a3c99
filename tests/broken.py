"""Stores that are broken on purpose, each in one of its promises."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from minimalkv import KeyNotFound, ObjectMeta
from minimalkv._conditions import changed, exists
from minimalkv._hstores import HDictStore
from minimalkv.memory import DictStore


def linger() -> None:
    """Let others do what they would do, sooner or later, at this very moment."""
    threading.Event().wait(0.002)


class Truncates(DictStore):
    """It has a buffer of 64 KiB, and forgets what did not fit."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        return super()._put(key, data[:65536], *args, **options)


class EndsAtAShortRead(DictStore):
    """It takes a read that gave less than was asked for as the end."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        data = b""
        while part := file.read(65536):
            data += part
            if len(part) < 65536:
                break
        return self._put(key, data, *args, **options)


class ShowsHalfAValue(DictStore):
    """Its value grows while its source is read."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        self._put(key, b"", *args, **options)
        while part := file.read(65536):
            self._put(key, self.d[key] + part)
        return key


class ShowsTemporaries(DictStore):
    """It writes under another name first, which the listing does not hide."""

    def _put_file(self, key: str, file: Any, *args: Any, **options: Any) -> str:
        temporary = f"{key}.tmp"
        self._put(temporary, b"")
        data = b"".join(iter(lambda: file.read(65536), b""))
        self._delete(temporary)
        return self._put(key, data, *args, **options)


class TearsValues(DictStore):
    """It writes in two halves, and readers come between."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        old = self.d.get(key, b"")
        super()._put(key, data[:9] + old[9:], *args, **options)
        linger()
        return super()._put(key, data, *args, **options)


class ChecksThenCreates(DictStore):
    """Others come between its look and its write."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if options.pop("if_absent", False):
            if key in self.d:
                raise exists(key)
            linger()
        return super()._put(key, data, *args, **options)


class ChecksThenReplaces(DictStore):
    """Others come between its comparison and its write."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        etag = options.pop("if_match", None)
        if etag is not None:
            if key not in self.d or self._head(key).etag != etag:
                raise changed(key)
            linger()
        return super()._put(key, data, *args, **options)


class LetsAPlainPutSlipIn(ChecksThenReplaces):
    """Its conditional writes exclude each other, but no plain put."""

    def __init__(self) -> None:
        super().__init__()
        self.conditional = threading.Lock()

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if "if_match" in options:
            with self.conditional:
                return super()._put(key, data, *args, **options)
        return super()._put(key, data, *args, **options)


class LosesIncrements(DictStore):
    """It reads, adds and writes, as if it were alone."""

    def _increment(self, key: str, delta: int) -> int:
        number = int(self._get(key)) + delta
        linger()
        self._put(key, b"%d" % number)
        return number


class TellsTimeCoarsely(DictStore):
    """Its version is the time of writing, in ticks that last a while."""

    def _meta(self, key: str, info: Any) -> ObjectMeta:
        meta = super()._meta(key, info)
        return ObjectMeta(key, meta.size, etag=f"{info.version // 10**9}-{meta.size}")


class OpensToWrite(DictStore):
    """What it opens can be written to."""

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(self.get(key))


class MixesVersions(DictStore):
    """Each read of an open file is a request of its own, for whatever is there then."""

    def _open(self, key: str) -> BinaryIO:
        self._get(key)
        return io.BufferedReader(_Ranges(self, key), 8192)


class _Ranges(io.RawIOBase):
    def __init__(self, store: MixesVersions, key: str) -> None:
        self._store = store
        self._key = key
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        value = io.BytesIO(self._store.d[self._key])
        value.seek(self._position)
        self._position = value.seek(offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        begin = self._position
        part = self._store.d[self._key][begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)


class CountsFromOne(DictStore):
    """It takes the end of a range as a part of it, as HTTP does."""

    def _stream(
        self, key: str, start: int = 0, stop: int | None = None, *args: Any
    ) -> tuple[ObjectMeta, BinaryIO]:
        return super()._stream(key, start, None if stop is None else stop + 1, *args)


class EmptiesTheFile(DictStore):
    """It opens the caller's file before it knows that there is a value."""

    def _get_filename(self, key: str, filename: str) -> None:
        with Path(filename).open("wb") as file:
            file.write(self._get(key))


class PublishesOnError(DictStore):
    """Its writer is closed by an exception as by anything else."""

    def open_writer(self, key: str, *args: Any, **options: Any) -> Any:
        writer: Any = super().open_writer(key, *args, **options)
        writer.abort = writer.close
        return writer


class FoldsCase(DictStore):
    """Its file system thinks that A is a."""

    def _get(self, key: str) -> bytes:
        return super()._get(key.lower())

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        super()._put(key.lower(), data, *args, **options)
        return key


class TakesAnyKey(HDictStore):
    """It leaves the root when it is told to."""

    def _check_valid_key(self, key: str) -> None:
        if not isinstance(key, str) or not key:
            super()._check_valid_key(key)


class TakesANewline(DictStore):
    """Its pattern ends with a dollar, which a newline may follow."""

    def _check_valid_key(self, key: str) -> None:
        super()._check_valid_key(key.removesuffix("\n"))


class TakesText(DictStore):
    """It encodes text, and guesses how."""

    def _check_data(self, data: object) -> None:
        if not isinstance(data, str):
            super()._check_data(data)


class MissesOnDelete(DictStore):
    """It cannot delete what is not there."""

    def _delete(self, key: str, **options: Any) -> None:
        if key not in self.d:
            raise KeyNotFound(key)
        super()._delete(key, **options)


class MovesItselfAway(DictStore):
    """It copies onto itself and deletes the source."""

    def move(self, source: str, dest: str) -> str:
        self._copy(source, dest)
        self._delete(source)
        return dest


class ShowsValues(DictStore):
    """It is easy to debug."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.d}>"


class ForgetsTheFork(DictStore):
    """A child finds its lock as it was: perhaps held, by a thread that is not there."""

    def _after_fork(self) -> None:
        pass

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        with self._lock:
            linger()
        return super()._put(key, data, *args, **options)


class IgnoresTtl(DictStore):
    """It says that it has no time to live, and lets it be asked for all the same."""

    ttl_support = False

    def put(self, key: str, data: bytes, *_: object, **options: Any) -> str:
        options.pop("ttl_secs", None)
        return super().put(key, data, **options)


class ShowsTheExpired(DictStore):
    """It looks for what has expired only when it is asked by head."""

    def _get(self, key: str) -> bytes:
        if key not in self.d:
            raise KeyNotFound(key)
        return self.d[key]


class ForgetsTheEnd(DictStore):
    """Its copies live forever."""

    def _copy(self, source: str, dest: str) -> None:
        self._put(dest, self._get(source))


class PurgesTooMuch(DictStore):
    """It deletes what had expired when it looked, whatever is there by then."""

    def _purge_expired(self, prefix: str) -> int:
        expired = {key for key, info in self._info.items() if self._has_expired(info)}
        linger()
        for key in expired:
            self._forget(key)
        return len(expired)


class RefusesOverTheExpired(DictStore):
    """An expired value still stands in the way of a new one."""

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str:
        if options.get("if_absent") and key in self.d:
            raise exists(key)
        return super()._put(key, data, *args, **options)


class HasUrls(DictStore):
    """Not broken: what the next one should be."""

    url_support = True

    def _url_for(self, key: str, **_options: Any) -> str:
        return f"memory:{key}"


class AsksForTheUrl(HasUrls):
    """It gives a URL only for what is there."""

    def _url_for(self, key: str, **options: Any) -> str:
        self._get(key)
        return super()._url_for(key, **options)


class IgnoresThePrefix(DictStore):
    """It lists everything."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        del prefix
        return super().iter_keys()


class ListsByPosition(DictStore):
    """Its pages begin where the last one ended, whatever went before that."""

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        position = 0
        while page := sorted(self.keys(prefix))[position : position + 10]:
            yield from page
            position += 10

    def keys(self, prefix: str = "") -> list[str]:
        return list(super().iter_keys(prefix))
