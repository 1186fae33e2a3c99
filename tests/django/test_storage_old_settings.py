"""``DEFAULT_FILE_STORAGE`` counts on every version of Django."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
import pytest

ROOT = Path(__file__).parent.parent.parent
OURS = "minimalkv_django.storage.KVStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
IS_NATIVE = django.VERSION < (5, 1)

# The model takes the default storage before the applications are ready.
_SITE = """
import json, sys
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["minimalkv_django", "django.contrib.staticfiles"],
    MINIMALKV_URL="hmemory://", STATIC_URL="static/", SECRET_KEY="x", DEBUG=True,
    **json.loads(sys.argv[1]),
)
import django
django.setup()
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks
from django.core.files.storage import default_storage, storages
from django.db import models

class Photo(models.Model):
    file = models.FileField()
    class Meta:
        app_label = "photos"

def name(storage):
    return f"{type(storage).__module__}.{type(storage).__name__}"

storages["default"], staticfiles_storage.path, default_storage.path
print(json.dumps([
    name(storages["default"]), name(default_storage._wrapped),
    name(Photo._meta.get_field("file").storage._wrapped),
    name(staticfiles_storage._wrapped),
    [m.id for m in run_checks(tags=["minimalkv"])],
]))
"""


def site_with(**settings: Any) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", _SITE, json.dumps(settings)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# Where Django itself looks at the old setting, both at once are an error.
BESIDE = [{}] if IS_NATIVE else [{}, {"STORAGES": {"staticfiles": STATIC}}]


@pytest.mark.parametrize("more", BESIDE)
def test_the_old_setting_counts(more: dict[str, Any]) -> None:
    found = site_with(DEFAULT_FILE_STORAGE=OURS, **more)

    assert found[:3] == [OURS] * 3
    assert found[4] == ([] if IS_NATIVE else ["minimalkv.W003"])


def test_the_old_setting_of_static_files_counts() -> None:
    found = site_with(STATICFILES_STORAGE=OURS)

    assert found[0].endswith("FileSystemStorage")
    assert found[3] == OURS
    assert found[4] == ([] if IS_NATIVE else ["minimalkv.W003"])


def test_the_new_setting_counts_more() -> None:
    storages = {"default": {"BACKEND": OURS}, "staticfiles": STATIC}
    assert site_with(STORAGES=storages)[0] == OURS

    if not IS_NATIVE:
        storages["default"] = {"BACKEND": MEMORY}
        found = site_with(STORAGES=storages, DEFAULT_FILE_STORAGE=OURS)
        assert "InMemoryStorage" in found[0]
        assert found[4] == ["minimalkv.W003"]


def test_the_old_settings_of_others_are_left_to_django() -> None:
    found = site_with(DEFAULT_FILE_STORAGE=MEMORY)

    expected = "InMemoryStorage" if IS_NATIVE else "FileSystemStorage"
    assert found[0].endswith(expected)
    assert found[4] == ([] if IS_NATIVE else ["minimalkv.W003"])


def test_without_the_old_setting_nothing_is_different() -> None:
    found = site_with()

    assert found[0].endswith("FileSystemStorage")
    assert found[4] == []
