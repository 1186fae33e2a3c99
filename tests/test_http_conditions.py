"""Conditions of a request: what the client has already, and which version."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import ObjectMeta
from minimalkv._hstores import HDictStore
from minimalkv.decorator import StoreDecorator
from minimalkv.http import answer
from tests.asking import KEY, VALUE, ask, etag_of, header, one_of_each
from tests.watched import WatchedStore

store = one_of_each()


def after(modified: str | None, secs: float) -> str:
    """Return a date of a header some seconds later."""
    assert modified is not None
    date = parsedate_to_datetime(modified) + timedelta(seconds=secs)
    return format_datetime(date, usegmt=True)


def test_a_known_version_is_not_sent_again(store: WatchedStore) -> None:
    etag = etag_of(store)
    store.take_calls()
    for known in (etag, f"W/{etag}", f'"x", {etag}, "y"', f'"a,b",W/{etag}', "*"):
        told, _ = ask(store, If_None_Match=known)

        assert (told.status, told.body) == (304, None)
        assert header(told, "ETag") == etag
        assert header(told, "Cache-Control") == "no-cache"
        assert header(told, "Content-Length") is None
        assert store.take_calls() == ["stream"]


def test_another_version_is_sent(store: WatchedStore) -> None:
    etag = etag_of(store)
    store.put(KEY, b"other")
    for known in (etag, '"x"', "x", etag_of(store).strip('"'), '"', ""):
        told, data = ask(store, If_None_Match=known)

        assert (told.status, data) == (200, b"other")


def test_if_none_match_wins_over_the_date(store: WatchedStore) -> None:
    modified = header(ask(store)[0], "Last-Modified") or ""

    told, _ = ask(store, If_None_Match='"x"', If_Modified_Since=modified)

    assert told.status == 200


def test_a_value_that_was_not_modified_is_not_sent_again(store: WatchedStore) -> None:
    modified = header(ask(store)[0], "Last-Modified")

    statuses = [
        ask(store, If_Modified_Since=after(modified, secs))[0].status
        for secs in (0, 10, -1)
    ]

    assert statuses == [304, 304, 200]


def test_old_spellings_of_a_date_are_read(store: WatchedStore) -> None:
    for old in ("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"):
        assert ask(store, If_Modified_Since=old)[0].status == 200
        assert ask(store, If_Unmodified_Since=old)[0].status == 412


@pytest.mark.parametrize(
    "junk", ["", "yesterday", "0", "x" * 9999, "Mon, 99 Xxx 2026 99:99:99 GMT"]
)
def test_a_date_that_is_none_is_no_condition(store: WatchedStore, junk: str) -> None:
    told, data = ask(store, If_Modified_Since=junk, If_Unmodified_Since=junk)

    assert (told.status, data) == (200, VALUE)


def test_only_the_version_that_was_asked_for_is_sent(store: WatchedStore) -> None:
    etag = etag_of(store)

    statuses = {
        wanted: ask(store, If_Match=wanted)[0].status
        for wanted in (etag, f'"x",{etag}', "*", f"W/{etag}", '"x"', "")
    }

    assert list(statuses.values()) == [200, 200, 200, 412, 412, 412]


def test_if_match_wins_over_the_date(store: WatchedStore) -> None:
    modified = header(ask(store)[0], "Last-Modified")
    early = after(modified, -10)

    assert ask(store, If_Unmodified_Since=early)[0].status == 412
    assert ask(store, If_Match="*", If_Unmodified_Since=early)[0].status == 200


def test_conditions_hold_for_head_as_for_get(store: WatchedStore) -> None:
    etag = etag_of(store)
    for asked, status in (
        ({"If-None-Match": etag}, 304),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": etag}, 200),
    ):
        assert answer(store, KEY, method="HEAD", headers=asked).status == status


def test_conditions_come_before_the_range(store: WatchedStore) -> None:
    told, _ = ask(store, If_None_Match=etag_of(store), Range="bytes=999-")

    assert told.status == 304


def test_names_of_headers_are_read_in_any_case(store: WatchedStore) -> None:
    etag = etag_of(store)

    assert answer(store, KEY, headers={"IF-NONE-match": etag}).status == 304
    assert ask(store, rAnGe="bytes=0-1")[1] == VALUE[:2]


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "Range",
                "If-Range",
                "If-Match",
                "If-None-Match",
                "If-Modified-Since",
                "If-Unmodified-Since",
            ]
        ),
        st.text() | st.text(alphabet='bytes=-,0123456789W/"* GMTSunNov:+'),
    )
)
def test_no_header_of_a_request_is_an_error(asked: dict[str, str]) -> None:
    told = answer(HDictStore({"key": VALUE}), "key", headers=asked)

    assert told.status in {200, 206, 304, 412, 416}
    assert (told.body is not None) == (told.status in {200, 206})


# If-Range.


def test_a_download_of_this_version_goes_on_with_one_call(store: WatchedStore) -> None:
    etag = etag_of(store)
    store.take_calls()

    told, data = ask(store, Range="bytes=200-", If_Range=etag)

    assert (told.status, data) == (206, VALUE[200:])
    assert store.take_calls() == ["stream"]


def test_a_download_of_another_version_begins_again(store: WatchedStore) -> None:
    etag = etag_of(store)
    store.put(KEY, VALUE[::-1])
    store.take_calls()

    told, data = ask(store, Range="bytes=200-", If_Range=etag)

    assert (told.status, data) == (200, VALUE[::-1])
    assert header(told, "ETag") != etag
    assert store.take_calls() == ["stream", "stream"]


def test_a_part_that_is_there_no_more_begins_again(store: WatchedStore) -> None:
    etag = etag_of(store)
    store.put(KEY, b"short")

    told, data = ask(store, Range="bytes=200-", If_Range=etag)

    assert (told.status, data) == (200, b"short")


def test_only_a_strong_version_lets_a_download_go_on(store: WatchedStore) -> None:
    etag = etag_of(store)
    for told_before in (f"W/{etag}", etag.strip('"'), "*", "", f"{etag}, {etag}"):
        told, data = ask(store, Range="bytes=200-", If_Range=told_before)

        assert (told.status, data) == (200, VALUE)


class _Dated(StoreDecorator):
    """Values that were stored at another time."""

    modified: datetime

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, body = super()._stream(*args, **options)
        return meta._replace(modified=self.modified), body


@pytest.mark.parametrize(
    ("age_secs", "told_secs", "status"),
    [(60, 0, 206), (60, 1, 200), (60, -1, 200), (-1, 0, 200)],
)
def test_a_date_lets_a_download_go_on_once_its_second_is_over(
    age_secs: float, told_secs: float, status: int
) -> None:
    store = _Dated(HDictStore({"key": VALUE}))
    store.modified = datetime.now(UTC) - timedelta(seconds=age_secs)
    asked = format_datetime(store.modified + timedelta(seconds=told_secs), usegmt=True)

    told, data = ask(store, "key", Range="bytes=200-", If_Range=asked)

    assert (told.status, data) == (status, VALUE[200 if status == 206 else 0 :])


# Versions and dates that a store may have.


class _Versioned(StoreDecorator):
    etag: str | None = None
    modified: datetime | None = None

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, body = super()._stream(*args, **options)
        return meta._replace(etag=self.etag, modified=self.modified), body


def test_a_value_without_version_and_date_has_no_such_headers() -> None:
    store = _Versioned(HDictStore({"key": VALUE}))

    told, _ = ask(store, "key", If_None_Match='"x"', Range="bytes=1-", If_Range='"x"')

    assert told.status == 200
    assert header(told, "ETag") is header(told, "Last-Modified") is None


@given(st.text())
def test_every_version_has_a_tag_of_its_own_that_fits_into_a_header(etag: str) -> None:
    store = _Versioned(HDictStore({"key": VALUE}))
    store.etag = etag

    tag = header(ask(store, "key")[0], "ETag")

    assert tag is not None
    assert tag[0] == tag[-1] == '"'
    assert tag.isascii()
    assert tag.isprintable()
    assert not set(tag[1:-1]) & set('" ')
    assert ask(store, "key", If_None_Match=tag)[0].status == 304
    store.etag = f"{etag} "
    assert ask(store, "key", If_None_Match=tag)[0].status == 200


def test_the_last_date_that_there_is_is_no_error() -> None:
    store = HDictStore({"key": VALUE})
    last = "Fri, 31 Dec 9999 23:59:59 GMT"

    told, data = ask(store, "key", Range="bytes=200-", If_Range=last)

    assert (told.status, data) == (200, VALUE)
