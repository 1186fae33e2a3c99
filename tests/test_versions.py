"""Sessions and files on other versions of Flask, Django and Python."""

import os
import subprocess
from pathlib import Path
from typing import ClassVar, Final

import pytest

from tests.conftest import VERSIONS
from tests.keeping import STORES
from tools import versions

_ESSENTIALS: Final = (
    "flask/test_flask_traps.py",
    "flask/test_session_cookies.py",
    "flask/test_session_costs.py",
    "flask/test_sessions.py",
    "django/test_checks.py",
    "django/test_session_dict.py",
    "django/test_session_flask.py",
    "django/test_session_legacy.py",
    "django/test_session_outages.py",
    "django/test_session_races.py",
    "django/test_session_requests.py",
    "django/test_session_times.py",
    "django/test_session_users.py",
)
_ON_STORES: Final = ("flask/test_sessions.py", "django/test_session_records.py")
_STORAGES: Final = (
    "django/test_storage_checks.py",
    "django/test_storage_fields.py",
    "django/test_storage_files.py",
    "django/test_storage_like_django.py",
    "django/test_storage_listing.py",
    "django/test_storage_names.py",
    "django/test_storage_opening.py",
    "django/test_storage_old_settings.py",
    "django/test_storage_settings.py",
)
_CACHES: Final = (
    "django/test_cache.py",
    "django/test_cache_extras.py",
    "django/test_cache_races.py::test_no_count_is_lost_between_tasks",
    "django/test_cache_settings.py",
    "django/test_cache_values.py",
)
_FILES: Final = (
    "django/test_file_links.py",
    "django/test_staticfiles.py",
    "django/test_staticfiles_manifest.py",
    "django/test_staticfiles_parts.py",
    "django/test_staticfiles_uses.py",
    "django/test_uploads.py",
    "files",
    "flask/test_upload_cli.py",
    "flask/test_upload_config.py",
    "flask/test_upload_links.py",
    "flask/test_upload_sets.py",
    "flask/test_uploads.py",
    "serving_files/test_django.py",
    "serving_files/test_flask.py",
)
_ON_REDIS: Final = (
    "flask",
    "django/test_session_flask.py",
    "django/test_session_records.py",
    "django/test_session_requests.py",
    "django/test_session_users.py",
)
_OF_THE_CORE: Final = (
    "sessions/test_costs.py",
    "sessions/test_data.py",
    "sessions/test_under_gunicorn.py",
)
_TESTS: Final = Path(__file__).parent


def run(environment: str, stores: str, *files: str) -> None:
    """Run tests there; a warning is an error there, too."""
    command = [versions.python(environment), "-m", "pytest", "-q", "--tb=short"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *(str(_TESTS / file) for file in files)],
        cwd=_TESTS.parent,
        env={**os.environ, STORES: stores},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class OnOtherVersions:
    """The tests in one environment; a process takes a class at a time."""

    name: ClassVar[str]

    @pytest.fixture
    def environment(self, request: pytest.FixtureRequest) -> str:
        """Return the name of the environment, which is made when it is missing."""
        try:
            found = versions.tell(versions.versions(self.name))
        except subprocess.CalledProcessError as error:
            pytest.fail(f"The environment {self.name} could not be made: {error}")
        # Shown at the end, with what cannot be tested here.
        request.node.user_properties.append((VERSIONS, f"{self.name}: {found}"))
        if lacking := versions.lacking():
            request.node.user_properties.append((VERSIONS, lacking))
        return self.name

    def test_the_essentials_hold_on_other_versions(self, environment: str) -> None:
        # Before Django 5.1 there is nothing to be awaited.
        awaited = () if environment == "oldest" else ("django/test_session_async.py",)
        run(environment, "memory", *_ESSENTIALS, *awaited)

    def test_other_versions_keep_sessions_in_files_and_redis(
        self, environment: str
    ) -> None:
        run(environment, "hfs redis", *_ON_STORES)

    def test_other_versions_keep_files_in_memory_files_and_redis(
        self, environment: str
    ) -> None:
        run(environment, "memory hfs redis", *_STORAGES)

    def test_other_versions_take_uploads_and_collect_static_files(
        self, environment: str
    ) -> None:
        run(environment, "memory", *_FILES)

    def test_other_versions_cache_in_memory_files_and_redis(
        self, environment: str
    ) -> None:
        run(environment, "memory hfs redis", *_CACHES)

    @pytest.mark.stress
    def test_everything_holds_on_other_versions(self, environment: str) -> None:
        run(environment, "memory hfs", "flask", "django", *_OF_THE_CORE)
        # Not where a test sets the clock of the store: Redis has its own.
        run(environment, "redis", *_ON_REDIS)


if "oldest" in versions.elsewhere():

    class TestOldest(OnOtherVersions):
        name = "oldest"


if "django-5.2" in versions.elsewhere():

    class TestDjango52(OnOtherVersions):
        name = "django-5.2"


if "newest" in versions.elsewhere():

    class TestNewest(OnOtherVersions):
        name = "newest"
