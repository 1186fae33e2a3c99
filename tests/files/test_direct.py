"""Uploads that are announced, sent past us, and taken if they are what was said."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from minimalkv import (
    InvalidKey,
    InvalidToken,
    KeyValueStore,
    StoreUnavailable,
    UploadIncomplete,
    UploadTooLarge,
    WrongContentType,
    get_store_from_url,
)
from minimalkv._direct import (
    ATTACH_SECS,
    DirectUpload,
    attach,
    begin_direct_upload,
    is_pending,
    purge_pending,
    receive_direct_upload,
)
from minimalkv._signing import Seals
from minimalkv.decorator import StoreDecorator
from tests.clocks import FakeClock
from tests.files.samples import SAMPLES
from tests.forms import PNG
from tests.keeping import clock

__all__ = ["clock"]

SEALS: Final = Seals("upload", [b"a key of the tests"])
OTHERS: Final = Seals("upload", [b"another key"])
PREFIX: Final = "photos/"


@pytest.fixture(params=["hmemory", "hfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    place = f"{tmp_path}/data?fsync=false" if request.param == "hfs" else ""
    with get_store_from_url(f"{request.param}://{place}") as store:
        yield store


def begin(
    store: KeyValueStore, filename: str = "a.png", **options: Any
) -> DirectUpload:
    return begin_direct_upload(
        store, SEALS, filename, lambda token: f"/{token}", prefix=PREFIX, **options
    )


def send(
    store: KeyValueStore, upload: DirectUpload, data: bytes, **changed: Any
) -> None:
    said = {
        "content_type": upload.headers["Content-Type"],
        "content_length": len(data),
        **changed,
    }
    receive_direct_upload(store, SEALS, upload.token, io.BytesIO(data), **said)


def test_upload_gets_a_key_that_its_sender_cannot_write_to(
    store: KeyValueStore,
) -> None:
    upload = begin(store, "Ü.png", max_bytes=len(PNG), types=["png"])
    assert (upload.url, upload.method) == (f"/{upload.token}", "PUT")
    send(store, upload, PNG)
    (sent,) = store.keys()
    assert is_pending(sent, PREFIX)
    file = attach(store, SEALS, upload.token, types=["png"])
    assert store.keys() == [file.key]
    assert not is_pending(file.key, PREFIX)
    assert (file.filename, file.size, file.content_type) == (
        "Ü.png",
        len(PNG),
        "image/png",
    )
    assert file.key == PREFIX + file
    assert store.get(file.key) == PNG


@pytest.mark.parametrize("ending", sorted(set(SAMPLES) - {"php"}))
def test_any_type_can_be_sent(store: KeyValueStore, ending: str) -> None:
    upload = begin(store, f"x.{ending}", types=[ending])
    send(store, upload, SAMPLES[ending])
    file = attach(store, SEALS, upload.token, types=[ending])
    assert file.endswith(f".{ending}")
    assert store.get(file.key) == SAMPLES[ending]


@pytest.mark.parametrize(
    ("data", "changed", "error"),
    [
        (PNG + b"x", {}, UploadTooLarge),
        (PNG + b"x", {"content_length": None}, UploadTooLarge),
        (PNG[:-1], {"content_length": len(PNG)}, UploadIncomplete),
        (PNG, {"content_type": "text/html"}, WrongContentType),
        (PNG, {"content_type": ""}, WrongContentType),
    ],
)
def test_what_was_not_announced_is_not_received(
    store: KeyValueStore, data: bytes, changed: dict[str, Any], error: type[Exception]
) -> None:
    upload = begin(store, max_bytes=len(PNG))
    with pytest.raises(error):
        send(store, upload, data, **changed)
    assert store.keys() == []
    send(store, upload, PNG)  # another try


def test_upload_is_received_once(store: KeyValueStore) -> None:
    upload = begin(store)
    send(store, upload, PNG)
    with pytest.raises(InvalidToken):
        send(store, upload, PNG[:-1])
    assert store.get(attach(store, SEALS, upload.token).key) == PNG
    with pytest.raises(UploadIncomplete):
        attach(store, SEALS, upload.token)


def test_token_of_others_or_an_altered_one_is_of_no_use(store: KeyValueStore) -> None:
    upload = begin(store)
    forged = begin_direct_upload(store, OTHERS, "a.png", lambda token: token)
    swapped = "A" if upload.token[-9] != "A" else "B"
    altered = upload._replace(token=upload.token[:-9] + swapped + upload.token[-8:])
    for bad in (forged, altered, upload._replace(token="")):
        with pytest.raises(InvalidToken):
            send(store, bad, PNG)
        with pytest.raises(InvalidToken):
            attach(store, SEALS, bad.token)
    assert store.keys() == []


def test_time_to_send_and_time_to_attach_end(
    store: KeyValueStore, clock: FakeClock
) -> None:
    upload = begin(store, expires=60)
    assert upload.expires == clock.secs + 60
    late = begin(store, expires=60)
    send(store, upload, PNG)
    clock.advance(60)
    with pytest.raises(InvalidToken):
        send(store, late, PNG)
    clock.advance(ATTACH_SECS - 1)
    attach(store, SEALS, upload.token)
    with pytest.raises(UploadIncomplete):
        attach(store, SEALS, late.token)
    clock.advance(1)
    with pytest.raises(InvalidToken):
        attach(store, SEALS, late.token)


@pytest.mark.parametrize(
    ("data", "options", "types", "error"),
    [
        (PNG, {"max_bytes": len(PNG) - 1}, None, UploadTooLarge),
        (b"<html>", {}, None, WrongContentType),
        (SAMPLES["jpg"], {}, None, WrongContentType),
        (b"words", {}, None, WrongContentType),
        (b"", {}, None, WrongContentType),
        (PNG, {}, ["pdf"], WrongContentType),
        (PNG, {}, lambda kind, name: False, WrongContentType),
    ],
)
def test_what_went_past_us_is_deleted_if_it_is_not_what_was_announced(
    store: KeyValueStore, data: bytes, options: Any, types: Any, error: type[Exception]
) -> None:
    upload = begin(store, **options)
    key = PREFIX + pending_name(store, upload)
    store.put(key, data)
    with pytest.raises(error):
        attach(store, SEALS, upload.token, types=types)
    assert store.keys() == []


def pending_name(store: KeyValueStore, upload: DirectUpload) -> str:
    """Return where a store that signs takes an upload."""
    send(store, upload, PNG[:1])
    (key,) = store.keys()
    store.delete(key)
    return key.removeprefix(PREFIX)


class Exchanging(StoreDecorator):
    """A store whose values somebody exchanges while they are copied."""

    def _copy(self, source: str, dest: str) -> None:
        self._dstore.put(source, b"<html><script>")
        super()._copy(source, dest)


def test_what_is_exchanged_before_it_is_copied_is_not_taken(
    store: KeyValueStore,
) -> None:
    upload = begin(store)
    send(store, upload, PNG)
    with pytest.raises(WrongContentType):
        attach(Exchanging(store), SEALS, upload.token)
    assert store.keys() == []


class Failing(StoreDecorator):
    """A store of which one call fails, once."""

    def __init__(self, store: KeyValueStore, call: int) -> None:
        super().__init__(store)
        self._left = call

    def _fail(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise StoreUnavailable("It may have happened.")

    def _stream(self, *args: Any, **options: Any) -> Any:
        self._fail()
        return super()._stream(*args, **options)

    def _copy(self, source: str, dest: str) -> None:
        self._fail()
        super()._copy(source, dest)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_attaching_is_tried_again_after_a_failure(
    store: KeyValueStore, call: int
) -> None:
    upload = begin(store)
    send(store, upload, PNG)
    failing = Failing(store, call)
    with pytest.raises(StoreUnavailable):
        attach(failing, SEALS, upload.token)
    stored = attach(failing, SEALS, upload.token)
    assert store.keys() == [stored.key]
    assert store.get(stored.key) == PNG


def test_what_can_still_be_attached_is_not_purged(
    store: KeyValueStore, clock: FakeClock
) -> None:
    upload = begin(store, expires=7 * 86400)
    clock.advance(7 * 86400 - 10)
    send(store, upload, PNG)
    assert purge_pending(store, PREFIX) == 0
    assert store.get(attach(store, SEALS, upload.token).key) == PNG


ANNOUNCED = [
    ("data", "text/csv", b"a,b\n"),
    ("data", "application/json", b"{}"),
    ("report.tmp", "text/csv", b"a,b\n"),
]


@pytest.mark.parametrize(("name", "content_type", "data"), ANNOUNCED)
def test_what_was_announced_counts_more_than_the_name(
    store: KeyValueStore, name: str, content_type: str, data: bytes
) -> None:
    upload = begin(store, name, content_type=content_type)
    send(store, upload, data)
    assert attach(store, SEALS, upload.token).content_type == content_type


def test_unwanted_types_and_keys_of_ours_are_not_announced(
    store: KeyValueStore,
) -> None:
    with pytest.raises(WrongContentType):
        begin(store, "a.exe", types=["png"])
    with pytest.raises(WrongContentType):
        begin(store, "a.png", types=["png"], content_type="text/html")
    with pytest.raises(InvalidKey):
        begin_direct_upload(store, SEALS, "a", str, prefix="mkv-session-")


def test_purging_deletes_what_nobody_attached(
    store: KeyValueStore, clock: FakeClock
) -> None:
    send(store, begin(store), PNG)
    clock.advance(100)
    young = begin(store)
    send(store, young, PNG)
    for key in ("photos/a.png", "photos/_pending-x", "_pending-0000000000-a"):
        store.put(key, b"others'")
    clock.advance(1)
    assert purge_pending(store, PREFIX, 50) == 1
    assert len(store.keys()) == 4
    attach(store, SEALS, young.token)
    assert purge_pending(store, PREFIX, 0) == 0
