"""What ``manage.py check`` finds."""

from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pytest_django import Settings

from minimalkv import _registry
from minimalkv.decorator import PrefixDecorator, ReadOnlyDecorator
from minimalkv.memory import DictStore
from tests.django.unfit import Unconditional

SECRET = "letmein"


def found() -> list[tuple[str | None, str]]:
    return [(message.id, message.msg) for message in run_checks(tags=["minimalkv"])]


def ids() -> list[str | None]:
    return [id_ for id_, _ in found()]


@pytest.fixture(autouse=True)
def _debug(settings: Settings) -> None:
    settings.DEBUG = True


@pytest.mark.parametrize(
    ("url", "id_", "text"),
    [
        ("reddis://localhost", "minimalkv.E001", "'reddis'"),
        ("fs:///srv/x?fsinc=1", "minimalkv.E002", "fsinc"),
        ("no url", "minimalkv.E002", "://"),
        (7, "minimalkv.E002", "int"),
    ],
)
def test_a_wrong_store_is_found(
    settings: Settings, url: object, id_: str, text: str
) -> None:
    settings.MINIMALKV_STORES = {"default": "memory://", "uploads": url}

    messages = found()

    assert [id_ for id_, _ in messages] == [id_]
    assert "'uploads'" in messages[0][1]
    assert text in messages[0][1]


def test_a_missing_package_is_found_with_its_cure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = _registry.Backend("a_missing_driver", "DriverStore", "driver")
    monkeypatch.setitem(_registry.BACKENDS, "driver", missing)
    settings.MINIMALKV_STORES = {"default": "memory://", "a": "driver://"}

    ((id_, text),) = found()

    assert id_ == "minimalkv.E003"
    assert "'a'" in text
    assert "pip install 'minimalkv[driver]'" in text


def test_the_sessions_need_a_store(settings: Settings) -> None:
    settings.MINIMALKV_URL = None
    assert ids() == ["minimalkv.E004"]

    settings.SESSION_ENGINE = "django.contrib.sessions.backends.db"
    assert ids() == []


def test_an_unknown_alias_of_the_sessions_is_found(settings: Settings) -> None:
    settings.MINIMALKV_SESSION_STORE = "redis"

    assert ids() == ["minimalkv.E004"]
    assert "no 'redis'" in found()[0][1]


def test_stores_that_are_no_mapping_are_found(settings: Settings) -> None:
    settings.MINIMALKV_STORES = "redis://localhost"

    assert set(ids()) == {"minimalkv.E004"}


@pytest.mark.parametrize("store", [ReadOnlyDecorator(DictStore()), Unconditional()])
def test_a_store_that_loses_sessions_is_found(
    settings: Settings, store: DictStore
) -> None:
    settings.MINIMALKV_SESSION_STORE = store

    assert ids() == ["minimalkv.E005"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MINIMALKV_SESSION_OUTAGE", "ignore"),
        ("MINIMALKV_SESSION_LEGACY", "db"),
        ("MINIMALKV_SESSION_LEGACY", "django.contrib.sessions"),
        ("MINIMALKV_SESSION_LEGACY", "minimalkv_django.sessions"),
        ("SESSION_SERIALIZER", "no.such.Serializer"),
        ("SESSION_SERIALIZER", "json"),
        ("SESSION_COOKIE_AGE", 0),
        ("MINIMALKV_SESSION_ABSOLUTE_LIFETIME", "1 day"),
        ("MINIMALKV_SESSION_TOUCH_INTERVAL", timedelta(0)),
    ],
)
def test_a_setting_that_cannot_be_is_found(
    settings: Settings, name: str, value: object
) -> None:
    setattr(settings, name, value)

    ((id_, text),) = found()

    assert id_ == "minimalkv.E006"
    assert name in text


def test_an_old_engine_that_lacks_something_is_found(settings: Settings) -> None:
    settings.MINIMALKV_SESSION_LEGACY = "django.contrib.sessions.backends.cache"
    assert ids() == []

    settings.SESSION_CACHE_ALIAS = "missing"

    assert ids() == ["minimalkv.E006"]


def test_a_middleware_that_comes_too_late_is_found(settings: Settings) -> None:
    settings.MIDDLEWARE = settings.MIDDLEWARE[::-1]

    assert ids() == ["minimalkv.W002"]


def test_a_store_in_memory_is_found_in_production(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {"a": PrefixDecorator("a-", DictStore())}
    assert ids() == []

    settings.DEBUG = False
    assert ids() == ["minimalkv.W001"] * 2
    settings.MINIMALKV_SESSION_STORE = "memory://"
    assert ids() == ["minimalkv.W001"] * 3


def test_a_good_project_has_nothing_to_be_told(settings: Settings) -> None:
    settings.MINIMALKV_SESSION_OUTAGE = "anonymous"
    settings.MINIMALKV_SESSION_LEGACY = "django.contrib.sessions.backends.db"
    settings.MINIMALKV_SESSION_ABSOLUTE_LIFETIME = 3600

    assert found() == []
    call_command("check")


def test_no_message_shows_a_secret(settings: Settings) -> None:
    settings.MINIMALKV_STORES = {
        "a": f"redis://user:{SECRET}@host/0?passwort={SECRET}",
        "b": f"reddis://user:{SECRET}@host",
    }

    with pytest.raises(SystemCheckError) as error:
        call_command("check")

    assert "E001" in str(error.value)
    assert SECRET not in str(error.value)
