"""What becomes of a session: saved, created, cycled, flushed and deleted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.base import CreateError, UpdateError
from pytest_django import Settings

from minimalkv import SessionUnavailable
from minimalkv_django.sessions import SessionStore, session_manager
from tests.django.visitors import UNKNOWN_ID, reopened, stored, token_of
from tests.watched import WatchedStore

Action = Callable[[], object]
Expiry = int | timedelta | datetime

NOW = datetime(2027, 1, 15, 8, 30, tzinfo=UTC)


def test_an_empty_session_can_be_saved(session: SessionStore) -> None:
    session.save()

    assert session.exists(session.session_key)
    assert not session.is_empty()
    assert dict(reopened(session).items()) == {}


def test_making_a_session_and_not_using_it_asks_nothing(
    session: SessionStore, store: WatchedStore
) -> None:
    key = stored(name="Ada").session_key
    store.take_calls()

    opened = SessionStore(key)

    assert opened.session_key == key
    assert not opened.is_empty()
    assert not opened.modified
    assert store.take_calls() == []


def test_a_saved_session_is_saved_again_only_after_a_change(
    session: SessionStore, store: WatchedStore
) -> None:
    session["name"] = "Ada"
    session.save()
    store.take_calls()

    session.save()

    assert store.take_calls() == []
    session["name"] = "Bob"
    session.save()
    assert reopened(session)["name"] == "Bob"


def test_a_deleted_session_is_gone(session: SessionStore) -> None:
    session.save()
    session.delete(session.session_key)
    assert not session.exists(session.session_key)

    other = stored(name="Ada")
    other.delete()
    assert not other.exists(other.session_key)


def test_deleting_what_is_not_there_does_nothing(session: SessionStore) -> None:
    session.delete()
    session.delete("short")
    session.delete(token_of(UNKNOWN_ID))

    assert not session.exists(None)
    assert not session.exists("short")
    assert not session.exists(token_of(UNKNOWN_ID))


def test_a_deleted_session_is_not_saved(session: SessionStore) -> None:
    session["name"] = "Ada"
    session.save(must_create=True)
    reopened(session).delete()

    session["name"] = "Bob"
    with pytest.raises(UpdateError):
        session.save()

    assert session.load() == {}
    assert session.session_key is None


def test_a_session_that_deleted_itself_is_not_saved(session: SessionStore) -> None:
    session["name"] = "Ada"
    session.save()
    session.delete()

    with pytest.raises(UpdateError):
        session.save()


def test_a_vanished_session_is_told_after_one_look(
    session: SessionStore, store: WatchedStore
) -> None:
    session["name"] = "Ada"
    session.save()
    late = reopened(session)
    late["name"] = "Bob"
    session.delete()
    store.take_calls()

    with pytest.raises(UpdateError):
        late.save()

    assert store.take_calls() == ["put", "get_with_meta"]
    assert list(store) == []


def test_a_session_is_created_once(session: SessionStore, store: WatchedStore) -> None:
    session["name"] = "Ada"
    session.save()
    store.take_calls()

    with pytest.raises(CreateError):
        reopened(session).save(must_create=True)

    assert store.take_calls().count("put") == 1
    assert reopened(session)["name"] == "Ada"


def test_a_created_session_is_stored_at_once(
    session: SessionStore, store: WatchedStore
) -> None:
    session.create()

    assert store.take_calls() == ["put"]
    assert session.modified
    assert session.exists(session.session_key)


def test_create_takes_a_new_key_and_keeps_the_data(session: SessionStore) -> None:
    session["name"] = "Ada"
    session.save()
    old = session.session_key

    session.create()

    assert session.session_key != old
    assert reopened(session)["name"] == "Ada"


def test_create_asks_a_dead_store_once(
    session: SessionStore, store: WatchedStore
) -> None:
    store.fail()

    with pytest.raises(SessionUnavailable):
        session.create()

    assert store.take_calls() == ["put"]


def test_loading_an_unknown_key_makes_no_record(store: WatchedStore) -> None:
    for key in ("short", "a" * 32, "someunknownkey", token_of(UNKNOWN_ID)):
        session = SessionStore(key)
        assert session.load() == {}
        assert session.session_key is None
        assert not session.exists(session.session_key)
    assert list(store) == []


def test_an_invalid_key_is_replaced_when_it_is_saved(session: SessionStore) -> None:
    for key in ("1", token_of(UNKNOWN_ID)):
        session = SessionStore(key)
        session.save()
        assert session.session_key not in (None, key)
        assert session.get("name") is None


def test_cycling_the_key_keeps_the_data(store: WatchedStore) -> None:
    session = stored(name="Ada", n=1)
    old = session.session_key
    session = reopened(session)

    session.cycle_key()

    assert session.session_key != old
    assert dict(session.items()) == {"name": "Ada", "n": 1}
    assert not session.exists(old)
    assert dict(reopened(session).items()) == {"name": "Ada", "n": 1}
    assert session_manager().count() == 1


def test_cycling_the_key_of_a_new_session_gives_it_one(
    session: SessionStore, store: WatchedStore
) -> None:
    session["name"] = "Ada"

    session.cycle_key()

    assert store.take_calls() == []
    key = session.session_key
    session.save()
    assert session.session_key == key is not None
    assert reopened(session)["name"] == "Ada"


def test_cycling_saves_what_was_replaced_by_then(store: WatchedStore) -> None:
    session = reopened(stored(name="Ada", n=1))
    session.clear()
    session["name"] = "Bob"

    session.cycle_key()

    assert dict(reopened(session).items()) == {"name": "Bob"}


def test_a_new_key_for_a_session_that_has_expired_is_its_end(
    store: WatchedStore,
) -> None:
    session = reopened(stored(name="Ada"))
    session.set_expiry(-10)

    session.cycle_key()

    assert list(store) == []
    assert session["name"] == "Ada"


def test_clearing_empties_the_record_and_keeps_the_key(store: WatchedStore) -> None:
    session = stored(name="Ada")
    session.clear()
    store.take_calls()

    opened = reopened(session)
    opened.clear()
    assert store.take_calls() == []
    opened.save()

    assert dict(reopened(session).items()) == {}
    assert opened.session_key == session.session_key


def test_flushing_leaves_a_new_session(store: WatchedStore) -> None:
    session = stored(name="Ada")
    old = session.session_key

    session.flush()

    assert not session.exists(old)
    assert session.session_key is None
    assert (session.modified, session.accessed) == (True, True)
    assert dict(session.items()) == {}
    assert list(store) == []


def test_the_cache_of_the_data_can_be_dropped(store: WatchedStore) -> None:
    session = stored(n=1)
    other = reopened(session)
    other["n"] = 2
    other.save()
    assert session["n"] == 1

    del session._session_cache

    assert not hasattr(session, "_session_cache")
    assert session["n"] == 2


def test_a_record_that_cannot_be_read_is_no_session(store: WatchedStore) -> None:
    for text in (b"", b"{", b'{"v":1,"data":{}}', b"\x80\x04cos\nsystem\n.", b"[]"):
        session = stored(name="Ada")
        key = next(iter(store))
        session_manager().store.put(key, text, 100)

        assert reopened(session).load() == {}
        assert not session.exists(session.session_key)
        store.delete(key)


def test_the_serializer_of_the_project_counts(
    store: WatchedStore, settings: Settings
) -> None:
    settings.SESSION_SERIALIZER = "tests.django.serializers.Shouting"
    session = stored(name="Ada")

    assert reopened(session)["name"] == "ADA"
    assert b"ADA" in store.get(next(iter(store)))


def test_values_come_back_as_they_were(store: WatchedStore) -> None:
    values = {"pair": (1, "2"), "ids": {3, 4}, "raw": b"\x00\xff", "at": NOW}

    assert dict(reopened(stored(**values)).items()) == values
