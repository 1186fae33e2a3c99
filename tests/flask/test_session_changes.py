"""Sessions that several requests change, begin and end."""

from datetime import timedelta

from flask import session

from minimalkv.ttl import with_ttl
from minimalkv_flask import KVSession
from tests.clocks import FakeClock
from tests.flask.visitors import (
    Visitor,
    clear,
    cookies,
    key_of,
    living,
    regenerate,
    varies,
)
from tests.watched import WatchedStore

# Two requests at once.


def test_changes_of_different_keys_all_survive(visitor: Visitor) -> None:
    visitor.sets(stays=1, both=1, goes=1, deep={"a": 1})

    def change() -> None:
        session["mine"] = 2
        session["both"] = 2
        session["deep"]["a"] = 2
        visitor.twin().does(others_change)

    def others_change() -> None:
        session["theirs"] = 3
        session["both"] = 3
        del session["goes"]

    response = visitor.does(change)

    assert visitor.sees() == {
        "stays": 1,
        "both": 2,
        "deep": {"a": 2},
        "mine": 2,
        "theirs": 3,
    }
    assert len(cookies(response)) == 1


def test_a_true_for_a_one_survives_a_change_of_others(visitor: Visitor) -> None:
    visitor.sets(flag=1)

    def change() -> None:
        session["flag"] = True
        visitor.twin().sets(other=1)

    visitor.does(change)

    assert visitor.sees()["flag"] is True


def test_a_change_after_others_lives_for_the_whole_lifetime(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.app.permanent_session_lifetime = timedelta(seconds=1000)
    visitor.sets(name="Ada")

    def change() -> None:
        session["mine"] = 1
        visitor.twin().sets(theirs=1)
        with_ttl(store).touch(key_of(visitor.sid), 60)

    visitor.does(change)

    assert (with_ttl(store).ttl(key_of(visitor.sid)) or 0) > 990
    assert visitor.sees() == {"name": "Ada", "mine": 1, "theirs": 1}


def test_a_key_that_was_removed_meanwhile_stays_removed(visitor: Visitor) -> None:
    visitor.sets(gone=1, name="Ada")

    def change() -> None:
        del session["gone"]
        visitor.twin().sets(other=1)

    visitor.does(change)

    assert visitor.sees() == {"name": "Ada", "other": 1}


def test_a_session_that_was_ended_meanwhile_is_not_written_back(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada", _permanent=True)

    def change() -> None:
        session["late"] = True
        visitor.twin().does(clear)

    response = visitor.does(change)

    assert response.status_code == 200
    assert cookies(response) == []
    assert list(store) == []
    assert visitor.sees() == {}


def test_a_session_that_was_ended_meanwhile_is_not_renewed(
    visitor: Visitor, store: WatchedStore, clock: FakeClock
) -> None:
    visitor.sets(name="Ada", _permanent=True)
    clock.advance(3 * 24 * 3600)
    store.take_calls()

    def read() -> None:
        assert session["name"] == "Ada"
        visitor.twin().does(clear)

    response = visitor.does(read)

    assert store.take_calls().count("put") == 1
    assert cookies(response) == []
    assert list(store) == []


# Signing in and out.


def test_regenerate_moves_the_data_to_a_new_id(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(cart=[1])
    before = visitor.twin()
    old = visitor.sid

    def sign_in() -> None:
        regenerate()
        session["user"] = "Ada"

    response = visitor.does(sign_in)

    assert len(cookies(response)) == 1
    assert visitor.sid != old
    assert visitor.sees() == {"cart": [1], "user": "Ada"}
    assert before.sees() == {}
    assert living(store) == [key_of(visitor.sid)]


def test_regenerate_without_another_change_is_enough(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    old = visitor.sid

    visitor.does(regenerate)

    assert visitor.sid != old
    assert visitor.sees() == {"name": "Ada"}


def test_regenerate_of_a_new_session_writes_once(
    visitor: Visitor, store: WatchedStore
) -> None:
    def sign_in() -> None:
        regenerate()
        session["user"] = "Ada"

    visitor.does(sign_in)

    assert store.take_calls() == ["put"]
    assert visitor.sees() == {"user": "Ada"}


def test_regenerate_keeps_what_others_changed_meanwhile(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(cart=[1])

    def sign_in() -> None:
        regenerate()
        session["user"] = "Ada"
        visitor.twin().sets(seen=True)

    visitor.does(sign_in)

    assert visitor.sees() == {"cart": [1], "user": "Ada", "seen": True}
    assert living(store) == [key_of(visitor.sid)]


def test_regenerate_does_not_revive_a_session_that_was_ended_meanwhile(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(user="Ada")

    def change() -> None:
        regenerate()
        visitor.twin().does(clear)

    response = visitor.does(change)

    assert cookies(response) == []
    assert list(store) == []


def test_clear_deletes_the_record_and_the_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")
    before = visitor.twin()

    response = visitor.does(clear)

    assert "Max-Age=0" in cookies(response)[0]
    assert varies(response)
    assert visitor.client.get_cookie("session") is None
    assert list(store) == []
    assert before.sees() == {}


def test_removing_the_last_value_is_like_clear(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(name="Ada")

    visitor.does(lambda: session.pop("name"))

    assert visitor.client.get_cookie("session") is None
    assert list(store) == []


def test_removing_the_last_value_leaves_what_others_put_in_meanwhile(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(flashes=[1])

    def show() -> None:
        session.pop("flashes")
        visitor.twin().sets(cart=1)

    response = visitor.does(show)

    assert "Max-Age" not in "".join(cookies(response))
    assert visitor.sees() == {"cart": 1}
    visitor.does(lambda: session.pop("cart"))
    assert list(store) == []


def test_of_two_who_remove_the_last_value_both_do(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(flashes=[1])

    def show() -> None:
        session.pop("flashes")
        visitor.twin().sets(flashes=[])

    response = visitor.does(show)

    assert "Max-Age=0" in cookies(response)[0]
    assert list(store) == []


def test_removing_the_last_value_ends_no_session_that_began_meanwhile(
    visitor: Visitor, store: WatchedStore
) -> None:
    visitor.sets(flashes=[1])
    other = visitor.twin()

    def sign_in() -> None:
        regenerate()
        session["user"] = "Ada"

    def show() -> None:
        session.pop("flashes")
        other.does(sign_in)

    response = visitor.does(show)

    assert cookies(response) == []
    assert other.sees() == {"flashes": [1], "user": "Ada"}


def test_what_a_step_empties_is_deleted(visitor: Visitor, store: WatchedStore) -> None:
    visitor.sets(name="Ada")

    def act() -> None:
        assert isinstance(session, KVSession)
        session.atomic(lambda data: data.clear())

    response = visitor.does(act)

    assert "Max-Age=0" in cookies(response)[0]
    assert list(store) == []


def test_clear_without_a_session_sends_no_cookie(
    visitor: Visitor, store: WatchedStore
) -> None:
    response = visitor.does(clear)

    assert cookies(response) == []
    assert store.take_calls() == []


def test_clear_and_fill_keeps_the_session(visitor: Visitor) -> None:
    visitor.sets(name="Ada", old=1)

    def change() -> None:
        session.clear()
        session["name"] = "Bob"

    visitor.does(change)

    assert visitor.sees() == {"name": "Bob"}
