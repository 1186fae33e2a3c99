"""What stands around stored values, damaged in any way: never an error, never false."""

import json
import math
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from minimalkv import KeyNotFound, PreconditionFailed
from minimalkv._sessions import codec
from minimalkv._sessions.records import OUR_JSON, Record, load_data, read_record
from minimalkv._ttl_frame import FRAME_BYTES, Frame, Version, pack
from minimalkv.memory import DictStore
from minimalkv.sessions import SessionManager
from minimalkv.ttl import TimeToLiveDecorator
from minimalkv_django._cache_values import MISSING, key_in
from tests.clocks import FakeClock
from tests.django.caches import new_cache
from tests.reliability import fuzzing

examples = fuzzing.examples()

NOW_MS = int(FakeClock().secs * 1000)

plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
tags = st.sampled_from([f"!{tag}" for tag in ("dict", "set", "tuple", "x", "")])
tags |= st.sampled_from(sorted(codec._READERS))
trees = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(tags | st.text(), inner)
    ),
    max_leaves=8,
)
records = st.builds(
    Record,
    data=st.dictionaries(st.text(max_size=4), plain, max_size=3).map(
        lambda data: codec.encode(data).encode()
    ),
    created=st.floats(0, 1e10),
    expires=st.floats(0, 1e10),
    user=st.none() | st.text(max_size=9),
    moved=st.none() | st.text(max_size=9),
)


def test_a_damaged_record_is_a_record_or_none(examples: int) -> None:
    @settings(max_examples=examples)
    @given(
        fuzzing.damaged(records.map(lambda record: record.encode(is_json=True)))
        | st.binary(max_size=200),
        st.booleans(),
    )
    def check(text: bytes, is_json: bool) -> None:
        record = read_record(text, is_json=is_json)
        if record is not None:
            assert math.isfinite(record.created)
            assert math.isfinite(record.expires)
            assert isinstance(load_data(record, OUR_JSON), dict | None)

    check()


def test_a_damaged_record_is_a_session_or_none(examples: int) -> None:
    @settings(max_examples=examples)
    @given(fuzzing.damaged(records.map(lambda record: record.encode(is_json=True))))
    def check(text: bytes) -> None:
        manager = SessionManager(DictStore())
        session = manager.open()
        session.data["a"] = 1
        assert session.save()
        (key,) = manager.store.keys()
        manager.store.put(key, text)
        found = manager.open(session.id)
        found.data["user"] = "Ada"
        found.save()
        assert manager.open(found.id).data.get("user") == "Ada"
        assert len(list(manager.list())) <= 2

    check()


def test_any_json_is_data_or_a_value_error(examples: int) -> None:
    @settings(max_examples=examples)
    @given(trees)
    @example({"!timedelta": [10**400, 0, 0]})
    @example({"!decimal": "9" * 5000})
    @example({"!datetime": "9999-12-31T23:59:59.999999-23:59"})
    @example({"!dict": [[{"!dict": []}, 1]]})
    def check(tree: Any) -> None:
        text = json.dumps(tree, separators=(",", ":"))
        try:
            codec.decode(text)
        except ValueError:
            return

    check()


stamps = st.sampled_from([0, 1, NOW_MS - 1, NOW_MS, NOW_MS + 1, 2**63, 2**64 - 1])
frames = st.builds(
    lambda stamp, value: pack(stamp) + value,
    stamps | st.integers(0, 2**64 - 1),
    st.binary(max_size=40),
)


def test_any_bytes_under_a_lifetime_are_exact_or_gone(examples: int) -> None:
    @settings(max_examples=examples)
    @given(frames | fuzzing.damaged(frames) | st.binary(max_size=40))
    def check(stored: bytes) -> None:
        store = TimeToLiveDecorator(DictStore({"key": stored}))
        store._clock = FakeClock()
        frame = Frame.parse(stored)
        assert frame.size in (0, FRAME_BYTES)
        if frame.expires_ms and frame.expires_ms <= NOW_MS:
            assert "key" not in store
            for read in (store.get, store.head, store.open, store.stream):
                try:
                    read("key")
                except KeyNotFound:
                    continue
                raise AssertionError("What had expired was read.")
        else:
            value = stored[frame.size :]
            assert store.get("key") == value
            assert store.head("key").size == len(value)
            with store.open("key") as file:
                assert (file.read(), file.seek(0), file.read(3)) == (
                    value,
                    0,
                    value[:3],
                )
            with store.stream("key", -5)[1] as file:
                assert file.read() == value[-5:]

    check()


def test_any_text_is_a_version_or_another_one(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.text("@0123456789a٣", max_size=30) | st.text())
    @example("a@" + "1" * 5000)
    def check(etag: str) -> None:
        try:
            Version.parse(etag, "key")
        except PreconditionFailed:
            return

    check()


def test_a_damaged_cached_value_is_missing(examples: int) -> None:
    values = new_cache("memory://")._values
    originals = {
        values.dump("key", value, is_hashed=is_hashed)
        for value in (None, 1, "text" * 99, {"a": [1, 2.5]})
        for is_hashed in (False, True)
    }

    @settings(max_examples=examples)
    @given(fuzzing.damaged(st.sampled_from(sorted(originals))) | st.binary(max_size=99))
    def check(data: bytes) -> None:
        assert isinstance(key_in(data), str | None)
        found = values.load("key", data)
        assert found is MISSING or type(found) is int or data in originals

    check()
