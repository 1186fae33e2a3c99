"""How a storage is configured, and what of it is told to others."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from minimalkv import StoreUnavailable, StoreURL
from minimalkv.fs import FilesystemStore
from minimalkv_django import stores
from minimalkv_django.apps import hide_secrets
from minimalkv_django.storage import KVStorage
from tests.django.urls import actions

SECRET = "letmein"
# Nobody listens there.
URL = f"hredis://user:{SECRET}@127.0.0.1:1/0"
BACKEND = "minimalkv_django.storage.KVStorage"


class OwnStorage(KVStorage):
    """A storage of a project."""

    def __init__(self) -> None:
        super().__init__(URL, location="own")


def chosen_storage() -> KVStorage:
    return KVStorage(URL)


def test_without_a_store_it_is_the_one_of_uploads(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {"default": "hmemory://", "uploads": "hmemory://"}
    assert KVStorage().store is stores["uploads"]
    assert stores["uploads"] is not stores["default"]

    settings.MINIMALKV_STORES = {"default": "hmemory://"}
    assert KVStorage().store is stores["default"]


def test_changed_settings_count(settings: Settings, tmp_path: Path) -> None:
    storage = KVStorage()
    settings.MINIMALKV_STORES = {"default": "hmemory://"}
    storage.save("a", ContentFile(b""))
    storage.listdir("")
    settings.MINIMALKV_STORES = {"default": f"hfs://{tmp_path}"}

    assert isinstance(storage.store, FilesystemStore)
    assert not storage.exists("a")


def test_the_settings_make_storages(settings: Settings, tmp_path: Path) -> None:
    settings.MINIMALKV_STORES = {"photos": f"hfs://{tmp_path}"}
    options: Any = {"store": "photos", "location": "media", "base_url": "/m/"}
    settings.STORAGES = {"media": {"BACKEND": BACKEND, "OPTIONS": options}}

    storages["media"].save("a.txt", ContentFile(b"1"))
    assert (tmp_path / "media" / "a.txt").read_bytes() == b"1"
    assert storages["media"].url("a.txt") == "/m/a.txt"
    assert storages["media"] == KVStorage(**options)


def test_nothing_connects_before_the_first_use() -> None:
    storage = KVStorage(URL, base_url="/media/")

    assert repr(storage)
    assert storage == KVStorage(URL, base_url="/media/")
    assert storage.url("a") == "/media/a"
    with pytest.raises(StoreUnavailable) as caught:
        storage.exists("a")
    assert SECRET not in str(caught.value)


def test_a_store_without_slashes_is_refused_with_the_cure(settings: Settings) -> None:
    settings.MINIMALKV_URL = "memory://"

    for use in (KVStorage().exists, KVStorage().listdir, KVStorage().open):
        with pytest.raises(ImproperlyConfigured, match="hfs://"):
            use("a")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"location": "mkv-session-"}, "mkv-session-"),
        ({"location": "../media"}, "'../media'"),
        ({"querystring_expire": 0}, "not 0"),
        ({"querystring_expire": "1h"}, "not '1h'"),
        ({"object_parameters": {"CacheControl": "x"}}, "Cache-Control"),
        ({"object_parameters": "x"}, "not 'x'"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=text):
        KVStorage(**options)


# What others are told.


@pytest.mark.parametrize("show", [repr, str])
def test_no_secret_is_printed(show: Callable[[object], str]) -> None:
    for url in (URL, StoreURL(URL)):
        storage = KVStorage(url, location="media")
        assert SECRET not in show(storage)
        assert "127.0.0.1:1/0" in show(storage)
        assert "media" in show(storage)


def test_the_page_for_errors_shows_no_password(settings: Settings) -> None:
    settings.DEBUG = True
    settings.STORAGES = {
        "media": {"BACKEND": BACKEND, "OPTIONS": {"store": URL, "location": "x"}},
        "other": {"BACKEND": BACKEND},
    }
    hide_secrets()

    def fail(_: HttpRequest) -> None:
        raise ZeroDivisionError

    actions.append(fail)
    page = Client(raise_request_exception=False).get("/").content.decode()

    assert "hredis://***@127.0.0.1:1/0" in page
    assert SECRET not in page
    assert settings.STORAGES["media"]["OPTIONS"]["store"] == URL
    assert storages["media"] == KVStorage(URL, "x")


def test_equal_storages_have_equal_options() -> None:
    assert KVStorage("a") == KVStorage("a", "")
    assert hash(KVStorage("a")) == hash(KVStorage(store="a"))
    assert KVStorage(URL) == KVStorage(StoreURL(URL))
    different = [
        KVStorage("a"),
        KVStorage("b"),
        KVStorage("a", location="x"),
        KVStorage("a", allow_overwrite=True),
        KVStorage("a", querystring_expire=7),
        KVStorage("a", object_parameters={"Cache-Control": "no-store"}),
        OwnStorage(),
        "a",
    ]
    for one in different:
        assert [one == other for other in different].count(True) == 1


def test_storages_are_copied_with_their_options(memory: KVStorage) -> None:
    memory.save("a", ContentFile(b""))
    for storage in (memory, KVStorage("a", "b", base_url="/c/"), OwnStorage()):
        copied = copy.deepcopy(storage)
        assert copied == storage == copy.copy(storage)
        assert copied._source is storage._source, "no file is there twice"
        assert pickle.loads(pickle.dumps(OwnStorage())) == OwnStorage()


def test_a_migration_names_the_alias() -> None:
    storage = KVStorage("photos", location="media", querystring_expire=60)
    text, imports = MigrationWriter.serialize(models.FileField(storage=storage))

    assert imports == {
        "import minimalkv_django.storage",
        "from django.db import models",
    }
    assert "KVStorage('photos', location='media', querystring_expire=60)" in text
    path, args, options = storage.deconstruct()
    assert path == BACKEND
    assert KVStorage(*args, **options) == storage
    assert [*map(len, KVStorage().deconstruct()[1:])] == [0, 0]


def test_a_migration_has_no_url(memory: KVStorage) -> None:
    positional, by_name = KVStorage(URL), KVStorage(store=StoreURL(URL))
    for storage in (positional, by_name, KVStorage(memory.store)):
        with pytest.raises(ImproperlyConfigured, match="MINIMALKV_STORES") as caught:
            MigrationWriter.serialize(models.FileField(storage=storage))
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("storage", [OwnStorage(), chosen_storage])
def test_a_migration_names_a_class_or_a_function_instead(storage: Any) -> None:
    text, _ = MigrationWriter.serialize(models.FileField(storage=storage))

    assert getattr(storage, "__name__", "OwnStorage") in text
    assert SECRET not in text
