"""What a Flask session stores, and how it is used."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from flask import Flask, session
from markupsafe import Markup

from minimalkv import KeyValueStore, Unsupported
from minimalkv.ttl import with_ttl
from minimalkv_flask import KVSession, KVSessionInterface
from tests.flask.visitors import Visitor, key_of, make_app, signer
from tests.watched import WatchedStore


def test_values_come_back_with_their_types(visitor: Visitor) -> None:
    values = {
        "text": "ü \U0001f4f7 </script>",
        "tuple": (1, [2, (3,)], {"deep": (4,)}),
        "bytes": b"\x00\xff",
        "markup": Markup("<b>bold</b>"),
        "uuid": UUID(int=7),
        "moment": datetime(2026, 11, 23, 9, 54, 1, 123456, tzinfo=UTC),
        "naive": datetime(2026, 11, 23, 9, 54, 1, 123456),  # noqa: DTZ001 - kept as it is
        "day": date(2026, 11, 23),
        "clock": time(9, 54, 1, 5),
        "price": Decimal("1.50"),
        "set": {1, "a"},
        "number": 1.5,
        "nothing": None,
    }

    visitor.sets(**values)

    seen = visitor.sees()
    assert seen == values
    assert {k: type(v) for k, v in seen.items()} == {
        k: type(v) for k, v in values.items()
    }


def test_cookie_is_the_signed_id_and_nothing_else(visitor: Visitor) -> None:
    visitor.sets(secret="the data stays at home")

    signed = signer().unsign(visitor.cookie).decode()
    assert signed == visitor.sid
    assert len(signed) == 43
    assert len(visitor.cookie) == 43 + 1 + 43


def test_record_is_json_under_the_hash_of_the_id(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    key = key_of(visitor.sid)
    assert list(store) == [key]
    record = json.loads(with_ttl(store).get(key))
    assert record["data"] == {"name": "Ada"}
    assert record.keys() == {"v", "created", "expires", "data"}


def test_neither_keys_nor_records_give_the_id_away(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    for key in store:
        assert visitor.sid not in key
        assert visitor.sid.encode() not in store.get(key)


def test_every_session_has_an_id_of_its_own(app: Flask) -> None:
    visitors = [Visitor(app) for _ in range(20)]
    for number, visitor in enumerate(visitors):
        visitor.sets(number=number)

    assert len({visitor.sid for visitor in visitors}) == 20
    assert [visitor.sees()["number"] for visitor in visitors] == list(range(20))


def test_a_url_is_enough() -> None:
    visitor = Visitor(make_app("memory://"))

    visitor.sets(name="Ada")

    assert visitor.sees() == {"name": "Ada"}


def test_a_store_that_cannot_write_on_condition_is_refused() -> None:
    with pytest.raises(Unsupported, match="another store"):
        KVSessionInterface(KeyValueStore())


@pytest.mark.parametrize("permanent", [False, True])
def test_records_live_for_the_permanent_lifetime(
    visitor: Visitor, store: WatchedStore, permanent: bool
) -> None:
    visitor.app.permanent_session_lifetime = timedelta(hours=1)

    visitor.sets(name="Ada", _permanent=permanent)

    ttl = with_ttl(store).ttl(key_of(visitor.sid))
    assert ttl is not None
    assert 3590 < ttl <= 3600


# The session as an object.


def test_session_transaction_reads_and_writes(
    visitor: Visitor, store: WatchedStore
) -> None:
    with visitor.client.session_transaction() as opened:
        opened["b"] = [1]
        opened["a"] = (2,)
    store.take_calls()

    assert visitor.sees() == {"b": [1], "a": (2,)}
    assert store.take_calls() == ["get_with_meta"]
    with visitor.client.session_transaction() as opened:
        assert opened["a"] == (2,)
        opened["b"].append(3)
    assert visitor.sees() == {"b": [1, 3], "a": (2,)}


def test_a_session_is_new_until_it_is_stored(visitor: Visitor) -> None:
    seen = []
    visitor.does(lambda: seen.append(session.new))
    visitor.sets(name="Ada")
    visitor.does(lambda: seen.append(session.new))

    assert seen == [True, False]


def test_sid_is_the_id_in_the_cookie(visitor: Visitor) -> None:
    def look() -> str:
        assert isinstance(session, KVSession)
        return session.sid

    visitor.sets(name="Ada")

    assert visitor.does(look).text == visitor.sid


def test_a_session_is_used_like_a_dict(visitor: Visitor) -> None:
    visitor.sets(a=1, b=2)

    def use() -> None:
        assert isinstance(session, KVSession)
        assert session == {"a": 1, "b": 2}
        assert session.popitem() == ("b", 2)
        assert session.setdefault("c", 3) == 3
        copied = session.copy()
        copied["d"] = 4
        assert dict(session) == {"a": 1, "c": 3}
        with pytest.raises(KeyError):
            del session["missing"]

    assert visitor.does(use).status_code == 200
    assert visitor.sees() == {"a": 1, "c": 3}


def test_repr_asks_no_store_and_shows_no_id(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    store.take_calls()
    shown: list[str] = []

    def look() -> None:
        shown.append(repr(session))
        assert store.take_calls() == []
        assert session["name"] == "Ada"
        shown.append(repr(session))

    visitor.does(look)

    assert shown == ["<KVSession not loaded>", "<KVSession {'name': 'Ada'}>"]
