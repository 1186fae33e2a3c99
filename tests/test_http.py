"""What is answered to a request for a value: methods, keys, ranges."""

import time
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import InvalidArgument, KeyNotFound, StoreUnavailable
from minimalkv._hstores import HDictStore
from minimalkv.http import answer
from tests.asking import KEY, SIZE, VALUE, ask, header, one_of_each
from tests.lending import LendingDecorator
from tests.watched import WatchedStore

store = one_of_each()


# The whole value.


def test_a_value_comes_whole_with_one_call(store: WatchedStore) -> None:
    told, data = ask(store)

    assert (told.status, data) == (200, VALUE)
    assert store.take_calls() == ["stream"]


def test_the_headers_describe_the_value(store: WatchedStore) -> None:
    told, _ = ask(store)

    meta = store.head(KEY)
    assert meta.modified is not None
    assert dict(told.headers) == {
        "Content-Type": "image/png",
        "Content-Disposition": 'inline; filename="picture.png"; '
        "filename*=UTF-8''picture.png",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self' data:; "
        "media-src 'self'; style-src 'unsafe-inline'",
        "Cache-Control": "no-cache",
        "ETag": f'"{meta.etag}"',
        "Last-Modified": format_datetime(meta.modified, usegmt=True),
        "Content-Length": "256",
        "Accept-Ranges": "bytes",
    }


def test_head_describes_the_same_with_one_call_and_no_body(store: WatchedStore) -> None:
    told, _ = ask(store)
    store.take_calls()

    described = answer(store, KEY, method="HEAD", headers={"Range": "bytes=0-1"})

    assert described == (200, told.headers, None)
    assert store.take_calls() == ["head"]


def test_an_empty_value_is_answered_like_any_other(store: WatchedStore) -> None:
    store.put("empty.txt", b"")

    told, data = ask(store, "empty.txt")

    assert (told.status, data, header(told, "Content-Length")) == (200, b"", "0")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
def test_other_methods_are_told_which_there_are(
    store: WatchedStore, method: str
) -> None:
    told = answer(store, KEY, method=method, headers={})

    assert (told.status, told.body) == (405, None)
    assert header(told, "Allow") == "GET, HEAD"
    assert store.take_calls() == []


# Keys.


@pytest.mark.parametrize(
    "key",
    [
        "missing.png",
        "../picture.png",
        "a folder/../a folder/picture.png",
        "/etc/passwd",
        "a folder/",
        "a folder",
        "a\0b",
        "a\nb",
        "\ud800",
        "ä",
        "",
        "k" * 2000,
        f"{KEY}/below",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("mode", ["proxy", "accel"])
def test_what_names_no_value_is_not_found(
    store: WatchedStore, key: str, method: str, mode: str
) -> None:
    if mode == "accel" and isinstance(store._dstore, HDictStore):
        mode = "proxy"
    inner = store._dstore

    with pytest.raises(KeyNotFound):
        answer(inner, key, method=method, mode=mode, headers={})


@pytest.mark.parametrize("key", ["mkv-session-0", "mkv-", "mkv-cache-x.png"])
def test_what_is_kept_beside_files_is_not_found(store: WatchedStore, key: str) -> None:
    store.put(key, VALUE)
    store.take_calls()

    with pytest.raises(KeyNotFound):
        answer(store, key, headers={})

    assert store.take_calls() == []


def test_an_outage_is_not_a_missing_value(store: WatchedStore) -> None:
    store.fail()

    with pytest.raises(StoreUnavailable):
        answer(store, KEY, headers={})


@pytest.mark.parametrize(
    "wrong", [{"mode": "sendfile"}, {"cache_control": "a\r\nSet-Cookie: b"}]
)
def test_an_unusable_argument_is_refused(
    store: WatchedStore, wrong: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        answer(store, KEY, headers={}, **wrong)


# Ranges.


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=250-", 250, 256),
        ("bytes=0-", 0, 256),
        ("bytes=250-9999", 250, 256),
        ("bytes=0-99999999999999999999999999", 0, 256),
        ("bytes=-6", 250, 256),
        ("bytes=-9999", 0, 256),
        ("bytes=-99999999999999999999999999", 0, 256),
        ("BYTES = 10 - 19", 10, 20),
        (" bytes=10-19\r\n", 10, 20),
        ("bytes=0000000010-0000000019", 10, 20),
    ],
)
def test_a_range_is_answered_in_part_with_one_call(
    store: WatchedStore, asked: str, begin: int, end: int
) -> None:
    told, data = ask(store, Range=asked)

    assert (told.status, data) == (206, VALUE[begin:end])
    assert header(told, "Content-Range") == f"bytes {begin}-{end - 1}/{SIZE}"
    assert header(told, "Content-Length") == str(end - begin)
    assert store.take_calls() == ["stream"]


@pytest.mark.parametrize(
    "asked", ["bytes=256-", "bytes=300-400", "bytes=-0", f"bytes={2**80}-{2**81}"]
)
def test_a_range_that_no_byte_is_in_is_refused_with_the_size(
    store: WatchedStore, asked: str
) -> None:
    told, data = ask(store, Range=asked)

    assert (told.status, told.body, data) == (416, None, b"")
    assert header(told, "Content-Range") == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,3-4",
        "bytes=0-1,",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000)),
        "bytes=" + "-" * 100_000,
        "bytes=" + " " * 100_000,
        "bytes=" + "0" * 100_000 + "-",
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "items=0-1",
        "bytes=a-b",
        "bytes=--1",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=\u0661-\u0662",
        "",
    ],
)
def test_other_ranges_give_the_whole_value_with_one_call(
    store: WatchedStore, asked: str
) -> None:
    told, data = ask(store, Range=asked)

    assert (told.status, data) == (200, VALUE)
    assert header(told, "Content-Range") is None
    assert store.take_calls() == ["stream"]


def test_ten_thousand_parts_cost_no_more_than_one(store: WatchedStore) -> None:
    def cpu_secs(asked: str) -> float:
        begin = time.process_time()
        for _ in range(200):
            ask(store, Range=asked)
        return time.process_time() - begin

    many = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))
    cpu_secs(many)

    assert min(cpu_secs(many) for _ in range(5)) < 3 * max(
        cpu_secs("bytes=0-1") for _ in range(5)
    )


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=-5", "bytes=7-9"])
def test_an_empty_value_has_no_parts_and_comes_whole(
    store: WatchedStore, asked: str
) -> None:
    store.put("empty.txt", b"")

    told, data = ask(store, "empty.txt", Range=asked)

    assert (told.status, data, header(told, "Content-Length")) == (200, b"", "0")


@given(st.integers(0, 300), st.none() | st.integers(0, 300))
def test_a_range_is_a_slice(first: int, last: int | None) -> None:
    store = HDictStore({"key": VALUE})

    told, data = ask(
        store, "key", Range=f"bytes={first}-{'' if last is None else last}"
    )

    if last is not None and last < first:
        assert (told.status, data) == (200, VALUE)
    elif first >= SIZE:
        assert (told.status, data) == (416, b"")
    else:
        stop = SIZE if last is None else last + 1
        assert (told.status, data) == (206, VALUE[first:stop])


# Files are closed.


@pytest.mark.parametrize(
    "asked",
    [
        {"If-None-Match": "*"},
        {"If-Match": '"x"'},
        {"Range": "bytes=999-"},
        {"Range": "bytes=0-1", "If-Range": '"x"'},
    ],
)
def test_a_file_that_is_not_sent_is_closed(
    store: WatchedStore, asked: dict[str, str]
) -> None:
    lent = LendingDecorator(store)

    told = answer(lent, KEY, headers=asked)

    assert [body.closed for body in lent.bodies if body is not told.body] == [True]
    if told.body is not None:
        assert not told.body.closed
        told.body.close()


def test_a_file_is_closed_when_the_answer_fails(store: WatchedStore) -> None:
    lent = LendingDecorator(store)

    with pytest.raises(InvalidArgument):
        answer(lent, KEY, headers={}, cache_control="\n")

    assert [body.closed for body in lent.bodies] == [True]
