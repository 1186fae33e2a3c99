"""The stores that the settings of a project name."""

from pathlib import Path
from threading import Thread

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from minimalkv import InvalidURL, KeyValueStore, StoreURL, UnknownScheme
from minimalkv.fs import FilesystemStore
from minimalkv.memory import DictStore
from minimalkv_django import stores
from minimalkv_django.apps import MinimalkvConfig
from minimalkv_django.sessions import SessionStore, session_manager
from tests.django.urls import actions

SECRET = "letmein"


def test_an_alias_gives_its_store_and_always_the_same(
    settings: Settings, tmp_path: Path
) -> None:
    settings.MINIMALKV_STORES = {"default": "memory://", "photos": f"hfs://{tmp_path}"}

    assert isinstance(stores["photos"], FilesystemStore)
    assert stores["photos"] is stores["photos"]
    assert isinstance(stores["default"], DictStore)
    assert sorted(stores) == ["default", "photos"]
    assert ["photos" in stores, "cache" in stores, "other" in stores] == [1, 1, 0]
    assert len(stores) == 2


def test_the_url_of_the_project_is_the_default_store(settings: Settings) -> None:
    settings.MINIMALKV_URL = "hmemory://"

    assert type(stores["default"]).__name__ == "HDictStore"
    settings.MINIMALKV_STORES = {"default": "memory://"}
    assert type(stores["default"]) is DictStore


def test_a_room_has_the_store_of_its_alias_or_the_default_one(
    settings: Settings,
) -> None:
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": "memory://"}

    assert stores["sessions"] is stores["cache"] is stores["default"]
    assert stores["uploads"] is not stores["default"]
    assert session_manager().store is stores["default"]


def test_stores_in_memory_are_told_apart_by_their_aliases(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {"a": "memory://", "b": "memory://"}

    stores["a"].put("key", b"value")

    assert "key" in stores["a"]
    assert "key" not in stores["b"]


def test_stores_of_one_url_are_one(settings: Settings, tmp_path: Path) -> None:
    settings.MINIMALKV_STORES = {"a": f"fs://{tmp_path}", "b": f"fs://{tmp_path}"}

    assert stores["a"] is stores["b"]


def test_sessions_do_not_wait_for_the_disk(settings: Settings, tmp_path: Path) -> None:
    settings.MINIMALKV_URL = f"fs://{tmp_path}"
    kept = stores["default"]
    of_sessions = stores["sessions"]

    assert isinstance(kept, FilesystemStore)
    assert isinstance(of_sessions, FilesystemStore)
    assert (kept.fsync, of_sessions.fsync) == (True, False)
    settings.MINIMALKV_STORES = {"sessions": f"fs://{tmp_path}?fsync=true"}
    assert getattr(stores["sessions"], "fsync", None) is True


def test_a_store_is_given_as_an_alias_a_url_or_itself(
    settings: Settings, tmp_path: Path
) -> None:
    mine = DictStore()
    settings.MINIMALKV_STORES = {"default": "memory://", "fast": mine}

    for chosen in ("fast", mine):
        settings.MINIMALKV_SESSION_STORE = chosen
        assert session_manager().store is mine
    settings.MINIMALKV_SESSION_STORE = f"fs://{tmp_path}"
    SessionStore().save()

    assert len(list(tmp_path.glob("mkv-session-*"))) == 1


def test_changed_settings_give_other_stores(settings: Settings) -> None:
    before, manager = stores["default"], session_manager()
    settings.MINIMALKV_STORES = {"other": "memory://"}

    assert stores["default"] is not before
    assert session_manager() is not manager


def test_a_setting_that_names_no_store_leaves_what_is_in_memory(
    settings: Settings,
) -> None:
    session = SessionStore()
    session["name"] = "Ada"
    session.save()

    settings.MINIMALKV_SESSION_OUTAGE = "anonymous"
    settings.SESSION_COOKIE_AGE = 60

    assert SessionStore(session.session_key)["name"] == "Ada"


def test_threads_get_one_store(settings: Settings) -> None:
    settings.MINIMALKV_URL = "memory://"
    found: list[KeyValueStore] = []
    threads = [Thread(target=lambda: found.append(stores["default"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {id(store) for store in found} == {id(stores["default"])}


def test_an_unknown_alias_is_told_with_those_that_there_are(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {"uploads": "memory://", "default": "memory://"}

    with pytest.raises(
        ImproperlyConfigured, match=r"no 'upload'.*: default, uploads\."
    ):
        stores["upload"]


def test_a_project_without_stores_is_told_how_to_name_one(settings: Settings) -> None:
    settings.MINIMALKV_URL = None

    with pytest.raises(ImproperlyConfigured, match="MINIMALKV_URL = "):
        stores["default"]


@pytest.mark.parametrize(
    ("url", "error"),
    [("nope://x", UnknownScheme), ("fs:///x?fsinc=1", InvalidURL), (7, InvalidURL)],
)
def test_a_wrong_url_is_told(
    settings: Settings, url: object, error: type[Exception]
) -> None:
    settings.MINIMALKV_STORES = {"default": url}

    with pytest.raises(error):
        stores["default"]


# No secret is shown.


def ready() -> None:
    """Do what Django does when it starts."""
    config = apps.get_app_config("minimalkv_django")
    assert isinstance(config, MinimalkvConfig)
    config.ready()


@pytest.mark.parametrize(
    "name", ["MINIMALKV_URL", "MINIMALKV_SESSION_STORE", "MINIMALKV_STORES"]
)
def test_the_page_for_errors_shows_no_password(settings: Settings, name: str) -> None:
    url = f"redis://user:{SECRET}@localhost/0"
    settings.DEBUG = True
    setattr(settings, name, {"default": url} if name.endswith("STORES") else url)
    ready()

    def fail(_: HttpRequest) -> None:
        raise ZeroDivisionError

    actions.append(fail)
    page = Client(raise_request_exception=False).get("/").content.decode()

    assert name in page
    assert SECRET not in page
    assert "redis://***@localhost/0" in page


def test_a_hidden_url_still_opens_its_store(settings: Settings, tmp_path: Path) -> None:
    settings.MINIMALKV_URL = f"fs://{tmp_path}"
    settings.MINIMALKV_STORES = {"mine": DictStore(), "other": f"fs://{tmp_path}"}
    settings.MINIMALKV_SESSION_STORE = "other"
    ready()

    assert isinstance(settings.MINIMALKV_URL, StoreURL)
    assert isinstance(stores["default"], FilesystemStore)
    assert stores["default"] is stores["other"]
    SessionStore().save()
    assert len(stores["other"].keys()) == 1
    assert repr(stores) == "<Stores default, mine, other>"
