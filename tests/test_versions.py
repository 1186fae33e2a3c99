"""The sessions on other versions of Flask, Django and Python than those at hand."""

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import VERSIONS
from tests.keeping import STORES
from tools import versions

_ESSENTIALS: Final = (
    "flask/test_flask_traps.py",
    "flask/test_session_cookies.py",
    "flask/test_session_costs.py",
    "flask/test_sessions.py",
    "django/test_session_dict.py",
    "django/test_session_flask.py",
    "django/test_session_requests.py",
    "django/test_session_users.py",
)
_ON_STORES: Final = ("flask/test_sessions.py", "django/test_session_records.py")
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


@pytest.fixture(params=versions.elsewhere())
def environment(request: pytest.FixtureRequest) -> str:
    """Return the name of an environment, which is made when it is missing."""
    try:
        found = versions.tell(versions.versions(request.param))
    except subprocess.CalledProcessError as error:
        pytest.fail(f"The environment {request.param} could not be made: {error}")
    # Shown at the end, with what cannot be tested here.
    request.node.user_properties.append((VERSIONS, f"{request.param}: {found}"))
    if lacking := versions.lacking():
        request.node.user_properties.append((VERSIONS, lacking))
    return str(request.param)


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


def test_the_essentials_hold_on_other_versions(environment: str) -> None:
    run(environment, "memory", *_ESSENTIALS)


def test_other_versions_keep_sessions_in_files_and_redis(environment: str) -> None:
    run(environment, "hfs redis", *_ON_STORES)


@pytest.mark.stress
def test_everything_holds_on_other_versions(environment: str) -> None:
    run(environment, "memory hfs", "flask", "django", *_OF_THE_CORE)
    # Not where a test sets the clock of the store: Redis has its own.
    run(environment, "redis", *_ON_REDIS)
