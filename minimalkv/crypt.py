"""Values that cannot be changed unnoticed by whoever can write to the store."""

import hashlib
import hmac
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final, Protocol

from minimalkv._constants import CHUNK_BYTES
from minimalkv._errors import InvalidArgument, VerificationException
from minimalkv._hooks import cut
from minimalkv._key_value_store import KeyValueStore
from minimalkv._meta import ObjectMeta
from minimalkv._streams import (
    ChunkReader,
    Readable,
    checked_position,
    chunks,
    make_seekable,
    read_exactly,
)
from minimalkv._writers import AbortableWriter, WriterSink
from minimalkv.decorator import StoreDecorator

__all__ = ["HMACDecorator", "VerificationException"]

_CONTEXT: Final = b"minimalkv.hmac.2\0"


class _Hash(Protocol):
    digest_size: int

    def update(self, data: bytes, /) -> object: ...

    def digest(self) -> bytes: ...


class HMACDecorator(StoreDecorator):
    """Sign every value, and refuse those that are not signed under their key.

    The signature stands behind the value: whoever can write to the store can delete a
    value or bring back an older one, but not change one or move it to another key. A
    value is not raw, so it has no `url_for`.

    `get`, `get_with_meta`, `get_file` to a filename and `stream` check before they
    return anything. `open` and `get_file` to an object check when the end is read, as
    upstream does, and before the first byte that is read after a seek.

    Parameters
    ----------
    secret_key : bytes
        The secret, at least 1 byte; 32 random ones are good.
    decorated_store : KeyValueStore
        The store to pass on to.
    hashfunc : callable
        A hash function as `hashlib` has them.
    accept_legacy : bool
        Whether values that minimalkv 1 signed are accepted too. Its signature allowed
        to move a value between some keys, so this is for the time of a migration.

    Raises
    ------
    InvalidArgument
        If *secret_key* is empty or no bytes.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> inner = DictStore()
    >>> store = HMACDecorator(b"a secret of the application", inner)
    >>> store.put("a", b"value")
    'a'
    >>> inner.d["a"] = b"Value" + inner.d["a"][5:]
    >>> store.get("a")
    Traceback (most recent call last):
        ...
    minimalkv._errors.VerificationException: The value of 'a' is not as it was stored.
    """

    def __init__(
        self,
        secret_key: bytes,
        decorated_store: KeyValueStore,
        hashfunc: Callable[..., Any] = hashlib.sha256,
        *,
        accept_legacy: bool = False,
    ) -> None:
        super().__init__(decorated_store)
        if not isinstance(secret_key, bytes | bytearray) or not secret_key:
            raise InvalidArgument("secret_key is at least 1 byte, such as 32 random.")
        self.url_support = False
        self._secret_key = bytes(secret_key)
        self._hashfunc = hashfunc
        self._accept_legacy = accept_legacy
        self._digest_bytes = hashfunc().digest_size

    # Signatures.

    def _signer(self, key: str) -> _Hash:
        # The length before the key keeps apart what a key ends and a value begins with.
        name = key.encode()
        begin = _CONTEXT + len(name).to_bytes(8, "big") + name
        return hmac.new(self._secret_key, begin, self._hashfunc)

    def _signers(self, key: str) -> list[_Hash]:
        if not self._accept_legacy:
            return [self._signer(key)]
        legacy = hmac.new(key.encode() + self._secret_key, None, self._hashfunc)
        return [self._signer(key), legacy]

    def _verified(self, key: str, signed: bytes) -> bytes:
        end = len(signed) - self._digest_bytes
        data, digest = signed[: max(end, 0)], signed[max(end, 0) :]
        for signer in self._signers(key):
            signer.update(data)
            if end >= 0 and hmac.compare_digest(signer.digest(), digest):
                return data
        raise _altered(key)

    def _outer(self, meta: ObjectMeta) -> ObjectMeta:
        return meta._replace(size=max(meta.size - self._digest_bytes, 0), md5=None)

    # Reading.

    def _get(self, key: str) -> bytes:
        return self._verified(key, super()._get(key))

    def _get_with_meta(self, key: str) -> tuple[bytes, ObjectMeta]:
        signed, meta = super()._get_with_meta(key)
        return self._verified(key, signed), self._outer(meta)

    def _get_many(self, keys: list[str]) -> dict[str, bytes]:
        found = super()._get_many(keys)
        return {key: self._verified(key, signed) for key, signed in found.items()}

    def _head(self, key: str) -> ObjectMeta:
        return self._outer(super()._head(key))

    def _iter_meta(self, prefix: str) -> Iterator[ObjectMeta]:
        return map(self._outer, super()._iter_meta(prefix))

    def _open(self, key: str) -> BinaryIO:
        return io.BufferedReader(self._reader(key, super()._open(key)), CHUNK_BYTES)

    def _reader(self, key: str, source: BinaryIO) -> "_VerifyingReader":
        signed = make_seekable(source)
        return _VerifyingReader(
            key, lambda: self._signers(key), signed, self._digest_bytes
        )

    def _get_file(self, key: str, file: BinaryIO) -> object:
        return KeyValueStore._get_file(self, key, file)

    def _get_filename(self, key: str, filename: str) -> object:
        return KeyValueStore._get_filename(self, key, filename)

    def _stream(
        self,
        key: str,
        start: int = 0,
        stop: int | None = None,
        if_match: str | None = None,
    ) -> tuple[ObjectMeta, BinaryIO]:
        meta, source = super()._stream(key, 0, None, if_match)
        reader = self._reader(key, source)
        try:
            reader.verify()
        except BaseException:
            reader.close()
            raise
        outer = self._outer(meta)
        return outer, cut(io.BufferedReader(reader), start, stop, outer.size)

    # Writing.

    def _put(self, key: str, data: bytes, *args: Any, **options: Any) -> str | None:
        return super()._put(key, self._signed(key, data), *args, **options)

    def _signed(self, key: str, data: bytes) -> bytes:
        signer = self._signer(key)
        signer.update(data)
        return data + signer.digest()

    def _put_file(
        self, key: str, file: Readable, *args: Any, **options: Any
    ) -> str | None:
        source = ChunkReader(_sign_all(chunks(file), self._signer(key)))
        return super()._put_file(key, source, *args, **options)

    def _put_filename(
        self, key: str, filename: str, *args: Any, **options: Any
    ) -> str | None:
        return KeyValueStore._put_filename(self, key, filename, *args, **options)

    def _open_writer(self, key: str, *args: Any, **options: Any) -> AbortableWriter:
        writer = super()._open_writer(key, *args, **options)
        return AbortableWriter(_SigningSink(writer, self._signer(key)))

    def _put_many(self, items: Mapping[str, bytes], *args: Any, **options: Any) -> None:
        signed = {key: self._signed(key, data) for key, data in items.items()}
        super()._put_many(signed, *args, **options)

    def _copy(self, source: str, dest: str) -> object:
        return KeyValueStore._copy(self, source, dest)

    def _move(self, source: str, dest: str) -> object:
        return KeyValueStore._move(self, source, dest)

    def _increment(self, key: str, delta: int) -> int:
        return KeyValueStore._increment(self, key, delta)


def _altered(key: str) -> VerificationException:
    return VerificationException(f"The value of {key!r} is not as it was stored.")


def _sign_all(parts: Iterable[bytes], signer: _Hash) -> Iterator[bytes]:
    """Yield the parts of a value, and its signature after them."""
    for part in parts:
        signer.update(part)
        yield part
    yield signer.digest()


class _SigningSink(WriterSink):
    def __init__(self, writer: AbortableWriter, signer: _Hash) -> None:
        self._signer = signer
        super().__init__(writer, end=signer.digest)

    def write(self, data: bytes) -> None:
        self._signer.update(data)
        super().write(data)


class _VerifyingReader(io.RawIOBase):
    """A signed file without its signature, which is checked as soon as it can be.

    Read from the beginning it is checked with its last bytes, which nobody gets if the
    check fails. Before anything is read from elsewhere, all of it is read and checked.
    """

    def __init__(
        self,
        key: str,
        signers: Callable[[], list[_Hash]],
        source: BinaryIO,
        digest_bytes: int,
    ) -> None:
        self._key = key
        self._new_signers = signers
        self._signers = signers()
        self._source = source
        self._size = source.seek(0, io.SEEK_END) - digest_bytes
        self._position = 0
        self._signed_to = 0
        self._is_verified = False
        source.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        self._checkClosed()
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._checkClosed()
        base = {0: 0, 1: self._position, 2: max(self._size, 0)}
        self._position = checked_position(base, offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        if not self._is_verified and self._position != self._signed_to:
            self.verify()
        wanted = max(min(len(buffer), self._size - self._position), 0)
        self._source.seek(self._position)
        data = read_exactly(self._source, wanted)
        if not self._is_verified:
            self._sign(data)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def verify(self) -> None:
        """Read and check all of it; the position stays.

        Raises
        ------
        VerificationException
            If it is not what was signed.
        """
        self._signers = self._new_signers()
        self._signed_to = 0
        self._source.seek(0)
        while not self._is_verified:
            left = self._size - self._signed_to
            self._sign(read_exactly(self._source, max(min(left, CHUNK_BYTES), 0)))

    def _sign(self, data: bytes) -> None:
        for signer in self._signers:
            signer.update(data)
        self._signed_to += len(data)
        if self._signed_to >= self._size or not data:
            self._check_digest()

    def _check_digest(self) -> None:
        digest = self._source.read()
        for signer in self._signers:
            if self._size >= 0 and hmac.compare_digest(signer.digest(), digest):
                self._is_verified = True
                return
        raise _altered(self._key)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()
