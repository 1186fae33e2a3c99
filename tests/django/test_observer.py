"""``MINIMALKV_OBSERVER`` in the settings."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from pytest_django import Settings

from minimalkv.fs import FilesystemStore
from minimalkv.observing import StoreCall
from minimalkv_django import stores
from minimalkv_django.storage import KVStorage
from tests.django.visitors import Visitor

CALLS: list[StoreCall] = []


def record(call: StoreCall) -> None:
    CALLS.append(call)


@pytest.fixture(autouse=True)
def observed(settings: Settings, tmp_path: Path) -> None:
    CALLS.clear()
    settings.MINIMALKV_OBSERVER = f"{__name__}.record"
    settings.MINIMALKV_URL = f"hfs://{tmp_path}"


def test_sessions_files_and_cache_are_observed(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "minimalkv_django.cache.KVCache"}}

    Visitor().sets(name="Ada")
    storage = KVStorage()
    name = storage.save("a.txt", ContentFile(b"text"))
    caches["default"].set("b", 1)

    begins = ("mkv-session-", "a.txt", "mkv-cache-")
    written = [call for call in CALLS if call.operation.startswith(("put", "open_w"))]
    for begin in begins:
        assert any((call.key or "").startswith(begin) for call in written), begin
    assert Path(storage.path(name)).read_bytes() == b"text"
    assert stores["uploads"] is stores["uploads"]


def test_without_it_nothing_is_wrapped(settings: Settings) -> None:
    settings.MINIMALKV_OBSERVER = None
    assert isinstance(stores["default"], FilesystemStore)


@pytest.mark.parametrize("wrong", ["shop.metrics.record", 7])
def test_a_wrong_observer_is_found_once(settings: Settings, wrong: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "minimalkv_django.cache.KVCache"}}
    settings.MINIMALKV_OBSERVER = wrong

    (message,) = run_checks(tags=["minimalkv"])

    assert message.id == "minimalkv.E009"
    assert "MINIMALKV_OBSERVER is a function" in message.msg
    with pytest.raises(ImproperlyConfigured, match="MINIMALKV_OBSERVER"):
        stores["default"]
