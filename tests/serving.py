"""The servers as fixtures, a plugin of all tests.

Those that the chosen tests need start together, and a run that needs none starts none.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import pytest

from tests.backends.process import ServerError
from tests.servers import servers

if TYPE_CHECKING:
    from tests.backends.azure import AzureServer
    from tests.backends.base import StoreServer
    from tests.backends.gcs import GCSServer
    from tests.backends.redis import RedisServer
    from tests.backends.s3 import S3Server

SERVERS: Final = ("redis_server", "s3_server", "azure_server", "gcs_server")
"""The fixtures; a test that takes one by a parameter names it there."""

_T = TypeVar("_T")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the chosen tests ask for, while others run already."""
    if session.config.option.collectonly:
        return
    asked = {name for item in session.items for name in _asked_by(item)}
    for name in asked.intersection(SERVERS):
        with suppress(ServerError):  # the fixture tells
            servers.begin([name.removesuffix("_server")])


def _asked_by(item: pytest.Item) -> Iterator[str]:
    yield from getattr(item, "fixturenames", ())
    call = getattr(item, "callspec", None)
    if call is not None:
        yield from (value for value in call.params.values() if isinstance(value, str))


def ready(get: Callable[[], _T]) -> _T:
    try:
        return get()
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> "StoreServer":
    """Return the server whose fixture the parameter names, one of `SERVERS`."""
    found: StoreServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def redis_server() -> "RedisServer":
    return ready(servers.redis)


@pytest.fixture(scope="session")
def s3_server() -> "S3Server":
    return ready(servers.s3)


@pytest.fixture(scope="session")
def azure_server() -> "AzureServer":
    return ready(servers.azure)


@pytest.fixture(scope="session")
def gcs_server() -> "Iterator[GCSServer]":
    """Return fake-gcs-server; from then on this environment points to it."""
    server = ready(servers.gcs)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STORAGE_EMULATOR_HOST", server.emulator_host)
        yield server
