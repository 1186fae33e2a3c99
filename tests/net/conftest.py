"""The servers as fixtures; those that the chosen tests need start together."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import pytest

from tests.backends.process import ServerError
from tests.servers import servers

if TYPE_CHECKING:
    from tests.backends.azure import AzureServer
    from tests.backends.gcs import GCSServer
    from tests.backends.redis import RedisServer
    from tests.backends.s3 import S3Server

_FIXTURES = {f"{name}_server": name for name in ("s3", "azure", "gcs", "redis")}
_T = TypeVar("_T")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start what the chosen tests ask for, while others run already."""
    if session.config.option.collectonly:
        return
    wanted = {
        _FIXTURES[name]
        for item in session.items
        for name in getattr(item, "fixturenames", ())
        if name in _FIXTURES
    }
    for name in wanted:
        with suppress(ServerError):  # the fixture tells
            servers.begin([name])


def ready(get: Callable[[], _T]) -> _T:
    try:
        return get()
    except ServerError as error:
        pytest.fail(str(error), pytrace=False)


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
