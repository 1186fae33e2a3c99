"""What ``manage.py check`` finds about storages."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.test.utils import isolate_apps
from pytest_django import Settings

from minimalkv import _registry
from minimalkv_django.storage import KVStorage

SECRET = "letmein"
BACKEND = "minimalkv_django.storage.KVStorage"


def found() -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in run_checks(tags=["minimalkv"])]


@pytest.fixture(autouse=True)
def _good_stores(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG = True
    settings.MINIMALKV_URL = f"hfs://{tmp_path}"
    assert found() == []


def configure(settings: Settings, **options: Any) -> None:
    settings.STORAGES = {"media": {"BACKEND": BACKEND, "OPTIONS": options}}


@pytest.mark.parametrize(
    ("options", "id_", "text"),
    [
        ({"store": "photos"}, "E004", "no 'photos'"),
        ({"store": "hreddis://localhost"}, "E001", "'hreddis'"),
        ({"store": "hfs:///x?fsinc=1"}, "E002", "fsinc"),
        ({"store": "fs:///x"}, "E007", "hfs://"),
        ({"store": "hfs:///x", "locatoin": "x"}, "E007", "'locatoin'"),
        ({"location": "mkv-user-"}, "E007", "'mkv-user-'"),
        ({"querystring_expire": None}, "E007", "None"),
        ({"object_parameters": {"ACL": "private"}}, "E007", "Cache-Control"),
    ],
)
def test_a_wrong_storage_is_found(
    settings: Settings, options: dict[str, Any], id_: str, text: str
) -> None:
    configure(settings, **options)

    ((found_id, message),) = found()
    assert found_id == f"minimalkv.{id_}"
    assert message.startswith("STORAGES['media']: ")
    assert text in message


def test_the_options_that_there_are_are_listed(settings: Settings) -> None:
    configure(settings, bucket="x")

    (message,) = run_checks(tags=["minimalkv"])
    assert "store, location, base_url, allow_overwrite" in str(message.hint)


def test_a_missing_package_is_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = _registry.Backend("a_missing_driver", "DriverStore", "driver")
    monkeypatch.setitem(_registry.BACKENDS, "driver", missing)
    configure(settings, store="driver://")

    ((id_, text),) = found()
    assert id_ == "minimalkv.E003"
    assert "pip install 'minimalkv[driver]'" in text


def test_files_in_memory_are_found_in_production(settings: Settings) -> None:
    configure(settings, store="hmemory://")
    assert found() == []

    settings.DEBUG = False
    assert [id_ for id_, _ in found()] == ["minimalkv.W001"]


def test_other_storages_are_not_looked_at(settings: Settings) -> None:
    settings.STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "gone": {"BACKEND": "a_package.that_is.missing"},
        "odd": {},
    }

    assert found() == []


@isolate_apps("tests.django")
def test_the_storage_of_a_field_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    class Photo(models.Model):
        usual = models.FileField()
        wrong = models.ImageField(storage=KVStorage("photos"))

        class Meta:
            app_label = "tests"

    monkeypatch.setattr(apps, "get_models", lambda: [Photo])

    ((id_, text),) = found()
    assert id_ == "minimalkv.E004"
    assert text.startswith("The storage of tests.Photo.wrong: ")


def test_no_message_shows_a_secret(settings: Settings) -> None:
    for url in (f"hs3://k:{SECRET}@h/b?x={SECRET}", f"s3://k:{SECRET}@h/b"):
        configure(settings, store=url)
        ((_, text),) = found()
        assert SECRET not in text


def test_what_a_check_finds_is_raised_when_it_is_used() -> None:
    with pytest.raises(ImproperlyConfigured, match="no 'photos'"):
        KVStorage("photos").exists("a")
