"""What a session may hold, and what of a stored record is believed."""

import json
import pickle
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from minimalkv._sessions.codec import decode, encode
from minimalkv.crypt import HMACDecorator
from minimalkv.memory import DictStore
from minimalkv.sessions import SessionManager, ref_of

offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
hashable = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.datetimes(),
    st.datetimes(timezones=offsets),
    st.dates(),
    st.times(),
    st.times(timezones=offsets),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.text().map(Markup),
)
keys = st.text() | st.sampled_from(["!", "!tuple", "!set", "_permanent"])
values = st.recursive(
    hashable | st.sets(hashable) | st.frozensets(hashable),
    lambda inner: st.one_of(
        st.lists(inner),
        st.lists(inner).map(tuple),
        st.dictionaries(keys, inner),
        st.dictionaries(hashable, inner),
    ),
    max_leaves=6,
)


def typed(value: Any) -> Any:
    """Return a value together with the types of all that is in it."""
    kind = type(value).__name__
    if isinstance(value, dict):
        pairs = [(typed(key), typed(item)) for key, item in value.items()]
        return (kind, sorted(pairs, key=repr))
    if isinstance(value, list | tuple):
        return (kind, [typed(item) for item in value])
    if isinstance(value, set | frozenset):
        return (kind, sorted((typed(item) for item in value), key=repr))
    offset = getattr(value, "utcoffset", lambda: None)()
    return (kind, repr(value) if isinstance(value, float | Decimal) else value, offset)


@given(st.dictionaries(keys, values, max_size=3))
def test_what_goes_in_comes_out_with_all_its_types(data: dict[str, Any]) -> None:
    text = encode(data)

    assert isinstance(json.loads(text), dict)
    assert typed(decode(text)) == typed(data)
    assert encode(decode(text)) == text


@given(st.sets(hashable))
def test_equal_sets_are_stored_alike(items: set[Any]) -> None:
    other: set[Any] = set()
    for item in sorted(items, key=repr, reverse=True):
        other.add(item)

    assert encode({"a": items}) == encode({"a": other})


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 11, 23, 9, 54, 1, 123456),  # noqa: DTZ001 - kept without a zone
        datetime(2026, 11, 23, 9, 54, 1, 123456, tzinfo=UTC),
        datetime(2026, 11, 23, 9, 54, 1, tzinfo=timezone(timedelta(hours=5.5))),
        date(2026, 11, 23),
        time(9, 54, 1, 123456),
        timedelta(days=-3, microseconds=1),
        Decimal("1.10"),
        UUID(int=7),
        Markup("<b>"),
        b"\x00\xff",
        (1, (2, [3])),
        {"!tuple": [1]},
        {1: "a", (2, 3): "b", None: "c"},
        {"": {}},
        [[], (), {}, set()],
        float("inf"),
        "\ud800 \u2028 </script>",
    ],
    ids=repr,
)
def test_values_come_back(value: object) -> None:
    assert typed(decode(encode({"value": value}))) == typed({"value": value})


class Colour(IntEnum):
    RED = 1


class Size(StrEnum):
    BIG = "big"


class Point(NamedTuple):
    x: int
    y: int


def test_what_is_made_of_another_type_is_kept_as_that_type() -> None:
    data = {
        "enum": Colour.RED,
        "text": Size.BIG,
        "point": Point(1, 2),
        "ordered": OrderedDict(a=(1,)),
        "array": bytearray(b"x"),
    }

    assert typed(decode(encode(data))) == typed(
        {
            "enum": 1,
            "text": "big",
            "point": (1, 2),
            "ordered": {"a": (1,)},
            "array": b"x",
        }
    )
    assert typed(decode(encode(OrderedDict(a=(1,))))) == typed({"a": (1,)})


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"user": object()}, r"session\['user'\] is of the type object"),
        ({"a": {"b": [1, {2: object()}]}}, r"session\['a'\]\['b'\]\[1\]\[2\] is of"),
        ({"a": print}, r"session\['a'\] is of the type builtin_function"),
    ],
)
def test_what_cannot_be_kept_is_named_with_its_place(
    data: dict[str, Any], place: str
) -> None:
    with pytest.raises(TypeError, match=place):
        encode(data)


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


def at_depth(depth: int, function: Callable[[], Any]) -> Any:
    """Call a function from within so many others."""
    return function() if depth == 0 else at_depth(depth - 1, function)


@pytest.mark.parametrize("levels", [190, 400, 900])
def test_what_could_be_stored_can_be_loaded_wherever_that_is(levels: int) -> None:
    """Unreadable data would be a sign-out."""
    manager = SessionManager(DictStore())
    session = manager.open()
    session.data.update(user="Ada", deep=nested(levels))
    stored = levels < 200

    if not stored:
        with pytest.raises(ValueError, match="nested too deeply"):
            session.save()
        return
    assert session.save()
    data = at_depth(500, lambda: manager.open(session.id).data)
    assert data["user"] == "Ada"


def test_many_brackets_are_not_deep() -> None:
    data = {"text": '["' * 1000, "flat": [[]] * 1000, "\\": {'"': '\\"[' * 500}}

    assert decode(encode(data)) == data


def test_what_contains_itself_is_refused() -> None:
    data: dict[str, Any] = {}
    data["a"] = [data]

    with pytest.raises(ValueError, match="contains itself"):
        encode(data)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a":{"!unknown":1}}',
        b'{"a":{"!tuple":1}}',
        b'{"a":{"!bytes":"="}}',
        b'{"a":{"!datetime":"yesterday"}}',
        b'{"a":{"!uuid":5}}',
        b'{"a":{"!decimal":"much"}}',
        b'{"a":{"!set":[[1]]}}',
        b'{"a":{"!dict":[1]}}',
        b'{"a":{"!timedelta":[1,"b"]}}',
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_such_text_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(text)


# Records.


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.mark,))


def planted(bomb: Bomb) -> list[bytes]:
    """Return 30 values with a pickle in them, as an attacker may store them."""
    bombs = [pickle.dumps({"user": bomb}, protocol) for protocol in range(6)]
    texts = [b64encode(text).decode() for text in bombs]
    head = b'{"v":1,"created":1,"expires":9e9,"data":'
    return [
        *bombs,
        *(head + text + b"}" for text in bombs),
        *(head + json.dumps({"!pickle": text}).encode() + b"}" for text in texts),
        *(head + json.dumps(text).encode() + b"}" for text in texts),
        *(b'{"v":1,"created":' + text + b',"data":{}}' for text in bombs),
    ]


def test_no_planted_pickle_is_executed(tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "mark")
    values = planted(bomb)
    pickle.loads(values[0])
    assert bomb.mark.exists()
    bomb.mark.unlink()
    manager = SessionManager(DictStore())

    for number, value in enumerate(values):
        manager.store.put(f"mkv-session-{ref_of(str(number))}", value)
        session = manager.open(str(number))
        assert (session.data, session.is_new) == ({}, True)
        assert manager.show(ref_of(str(number))) is None
    assert {found.user for found in manager.list()} == {None}
    assert len(values) == 30
    assert not bomb.mark.exists()


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x00" * 100,
        b"[]",
        b"null",
        b'{"v":2,"created":1,"expires":9e9,"data":{}}',
        b'{"v":1,"data":{}}',
        b'{"v":1,"created":"now","expires":9e9,"data":{}}',
        b'{"v":1,"created":1,"expires":null,"data":{}}',
        b'{"v":1,"created":1,"expires":9e9,"data":[]}',
        b'{"v":1,"created":1,"expires":9e9,"data":{}',
        b'{"v":1,"created":1,"expires":9e9,"data":{"a":{"!uuid":1}}}',
        b'{"v":1,"created":1,"expires":2,"data":{"user":1}}',
        b'{"v":1,"created":1,"expires":1%s,"data":{}}' % (b"0" * 400),
        b'{"v":1,"created":NaN,"expires":9e9,"data":{}}',
        b'{"v":1,"created":Infinity,"expires":9e9,"data":{}}',
        b'{"v":1,"created":1,"expires":Infinity,"data":{}}',
        b'{"v":1,"created":%s,"data":{}}' % (b"[" * 100_000),
        b'{"v":1,"created":1,"expires":9e9,"data":%s}' % (b"[" * 100_000),
    ],
    ids=lambda record: repr(record[:60]),
)
def test_a_record_that_is_none_is_no_session(record: bytes) -> None:
    manager = SessionManager(DictStore())
    manager.store.put(f"mkv-session-{ref_of('id')}", record)

    session = manager.open("id")

    assert (session.data, session.is_new) == ({}, True)
    assert session.id != "id"
    session.data["user"] = "Ada"
    assert session.save()
    assert manager.open(session.id).data == {"user": "Ada"}


def test_no_record_with_times_that_cannot_be_stops_a_list() -> None:
    manager = SessionManager(DictStore())
    texts = [b"1e300", b"-1e300", b"0", b"-1"]
    for number, text in enumerate(texts):
        record = b'{"v":1,"created":%s,"expires":1e300,"data":{"a":1}}' % text
        manager.store.put(f"mkv-session-{ref_of(str(number))}", record)

    assert manager.count() == len(texts)
    for number in range(len(texts)):
        session = manager.open(str(number))
        session.data["b"] = 2
        assert session.save()
        assert manager.open(str(number)).data == {"a": 1, "b": 2}


def test_a_record_that_somebody_altered_under_a_signature_is_no_session() -> None:
    inner = DictStore()
    manager = SessionManager(HMACDecorator(b"secret", inner))
    session = manager.open()
    session.data["user"] = "Ada"
    session.save()
    slow = manager.open(session.id)
    slow.data["late"] = True
    (key,) = inner
    inner.put(key, inner.get(key).replace(b"Ada", b"Bob"))

    assert manager.open(session.id).data == {}
    assert not slow.save()
    assert manager.revoke(session_id=session.id) == 0
    other = manager.open(session.id)
    other.data["user"] = "Eve"
    assert other.save()
    assert other.id != session.id


def test_an_id_that_is_no_text_is_no_session() -> None:
    session = SessionManager(DictStore()).open("\ud800")

    assert (session.data, session.is_new) == ({}, True)


def test_every_cut_of_a_record_is_no_session() -> None:
    manager = SessionManager(DictStore())
    session = manager.open()
    session.data.update(user="Ada", at=datetime(2026, 1, 1, tzinfo=UTC))
    session.bind(7)
    session.save()
    key = f"mkv-session-{ref_of(session.id)}"
    whole = manager.store.get(key)

    for size in range(len(whole)):
        manager.store.put(key, whole[:size])
        assert manager.open(session.id).data == {}
    manager.store.put(key, whole)
    assert manager.open(session.id).data["user"] == "Ada"


class Reversed:
    """A serializer of somebody else, whose text is no JSON."""

    def dumps(self, obj: Any) -> bytes:
        return json.dumps(obj).encode()[::-1]

    def loads(self, data: bytes) -> Any:
        return json.loads(data[::-1])


def test_another_serializer_can_stand_in() -> None:
    store = DictStore()
    manager = SessionManager(store, serializer=Reversed())
    session = manager.open()
    session.data["a"] = "ü\x00"
    session.save()

    assert manager.open(session.id).data == {"a": "ü\x00"}
    assert SessionManager(store).open(session.id).data == {}
