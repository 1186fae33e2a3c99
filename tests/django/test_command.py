"""``manage.py minimalkv``."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from minimalkv.sessions import ref_of
from minimalkv_django.sessions import SessionStore, session_manager
from minimalkv_django.stores import stores
from tests.clocks import FakeClock
from tests.django.visitors import Visitor, id_of
from tests.watched import WatchedStore


def told(*args: str) -> str:
    out = StringIO()
    call_command("minimalkv", *args, stdout=out, stderr=out)
    return out.getvalue()


def stored(**values: object) -> str:
    """Store a session, and return its ref."""
    session = SessionStore()
    session.update(values)
    session.save()
    return ref_of(id_of(session.session_key))


def bound(user: int) -> str:
    session = SessionStore()
    session.bind(user)
    session.save()
    return ref_of(id_of(session.session_key))


def test_check_asks_each_store(settings: Settings, tmp_path: Path) -> None:
    settings.MINIMALKV_STORES = {"files": f"hfs://{tmp_path}", "default": "memory://"}

    text = told("check")

    assert "\nfiles: <HFilesystemStore" in text
    assert text.startswith("default: <DictStore>\n")
    assert "\nsessions of this site: <DictStore>\n" in text
    assert told("check", "default").startswith("default: <DictStore>\n")


def test_check_fails_with_a_store_that_does_not_answer(
    settings: Settings, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    settings.MINIMALKV_STORES = {
        "gone": f"hfs://{missing}?create_if_missing=false",
        "wrong": "nope://",
        "default": "memory://",
    }

    out = StringIO()
    with pytest.raises(CommandError, match="check ended with 1"):
        call_command("minimalkv", "check", stdout=out)
    assert "gone: <HFilesystemStore" in out.getvalue()
    assert "Unknown scheme 'nope'" in out.getvalue()
    assert "default: <DictStore>" in out.getvalue()


def test_check_tells_that_sessions_have_no_store(settings: Settings) -> None:
    settings.MINIMALKV_URL = None

    out = StringIO()
    with pytest.raises(CommandError, match="check ended with 1"):
        call_command("minimalkv", "check", stdout=out)
    assert "sessions of this site" in out.getvalue()
    assert "No store is configured. Set MINIMALKV_URL" in out.getvalue()
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert told("check") == "No store is configured.\n"


def test_sessions_are_listed_and_counted(store: WatchedStore) -> None:
    refs = {stored(name="Ada"), stored(name="Bob"), bound(7)}

    lines = told("sessions", "list").splitlines()

    assert {line.split()[0] for line in lines} == refs
    assert told("sessions", "count") == "3\n"
    assert told("sessions", "count", "--user", "7") == "1\n"
    assert told("sessions", "list", "--user", "7").split()[-1] == "7"
    assert len(list(store.iter_keys("mkv-session-"))) == 3


def test_a_session_is_shown(store: WatchedStore) -> None:
    ref = stored(name="Ä", pair=(1, 2), raw=b"\xff")

    shown = told("sessions", "show", ref)

    assert shown == "name: 'Ä'\npair: (1, 2)\nraw: b'\\xff'\n"
    with pytest.raises(CommandError, match="There is no session"):
        told("sessions", "show", "0" * 64)
    assert list(store)


def test_a_session_is_revoked_by_its_ref(visitor: Visitor) -> None:
    visitor.sets(name="Ada")
    ref = ref_of(id_of(visitor.cookie))

    assert told("sessions", "revoke", ref) == "Sessions ended: 1\n"
    assert told("sessions", "revoke", ref) == "Sessions ended: 0\n"
    assert visitor.sees() == {}


def test_the_sessions_of_a_user_are_revoked(store: WatchedStore) -> None:
    bound(7), bound(7), bound(8)

    assert told("sessions", "revoke", "--user", "7") == "Sessions ended: 2\n"
    assert session_manager().count() == 1
    assert store.calls


@pytest.mark.parametrize("args", [(), ("0" * 64, "--user", "7"), ("no ref",)])
def test_revoking_needs_refs_or_a_user(
    store: WatchedStore, args: tuple[str, ...]
) -> None:
    bound(7)

    with pytest.raises(CommandError):
        told("sessions", "revoke", *args)
    assert session_manager().count() == 1
    assert store.calls


def test_purge_deletes_what_has_expired(
    settings: Settings, tmp_path: Path, clock: FakeClock
) -> None:
    settings.MINIMALKV_SESSION_STORE = f"fs://{tmp_path}"
    settings.SESSION_COOKIE_AGE = 60
    stored(name="Ada")
    session_manager().store._clock = clock  # type: ignore[attr-defined] # ttl has one
    clock.advance(10**9)

    assert told("sessions", "purge") == "Records deleted: 1\n"
    assert not list(tmp_path.glob("mkv-*"))


def test_an_outage_is_told_in_a_sentence(store: WatchedStore) -> None:
    bound(7)
    store.fail()

    with pytest.raises(CommandError, match="No session can be used"):
        told("sessions", "revoke", "--user", "7")


def test_purge_deletes_what_nobody_attached(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": "hmemory://"}
    kept = stores["uploads"]
    for key in ("photos/_pending-0000000001-a-a.png", "photos/a.png"):
        kept.put(key, b"x")
    assert told("uploads", "purge") == "Files deleted: 0\n"
    assert told("uploads", "purge", "--prefix", "photos/") == "Files deleted: 1\n"
    assert kept.keys() == ["photos/a.png"]
