"""Long runs of a site under gunicorn: what a worker takes does not grow."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.backends.gunicorn import Gunicorn
from tests.reliability.soaking import Growth, soak
from tests.servers import servers

SECS: Final = float(os.environ.get("SOAK_SECS", "600"))
"""How long the soak takes; with much less than 180 the second tenth still warms up."""
LEAK_BYTES: Final = 100
# Half of the leak that is to be found; and room for caches, which fill up to a bound:
# measured, 0.5 MiB whatever the number of requests, and then nothing for 30,000 more.
MOST_BYTES_OF_A_REQUEST: Final = LEAK_BYTES / 2
SPARE_BYTES: Final = 2**19
MOST_FILES: Final = 1

OPTIONS: Final = ("--workers=1", "--threads=2", "--keep-alive=60")


@contextmanager
def site(application: str) -> Iterator[Gunicorn]:
    server = Gunicorn(application, *OPTIONS)
    server.begin()
    try:
        server.wait()
        yield server
        assert "Traceback" not in server.log()
    finally:
        server.stop()


def grows(growth: Growth) -> bool:
    allowed = SPARE_BYTES + growth.requests * MOST_BYTES_OF_A_REQUEST
    return growth.more_bytes > allowed or growth.more_files > MOST_FILES


def told(name: str, growth: Growth) -> str:
    return (
        f"{name}: {growth.more_bytes / 1024:+,.0f} KiB on "
        f"{growth.begin_bytes / 2**20:.0f} MiB, {growth.more_files:+d} open files "
        f"within {growth.requests:,} requests: {growth.bytes_of_a_request:+.1f} bytes "
        "a request"
    )


@pytest.mark.stress
@pytest.mark.usefixtures("redis_server", "s3_server")
def test_a_worker_does_not_grow_under_sessions_uploads_and_cache(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    stores = {
        "fs": lambda: f"hfs://{tmp_path}/{os.urandom(4).hex()}?fsync=false",
        "redis": lambda: servers.redis().url(),
        "s3": lambda: servers.s3().url(),
    }
    with ExitStack() as stack:
        sites = {
            f"{kind} on {store}": stack.enter_context(
                site(f"tests.reliability.soaked_{kind}:make({stores[store]()!r})")
            )
            for kind in ("flask", "django")
            for store in stores
        }
        with ThreadPoolExecutor(len(sites)) as pool:
            found = pool.map(lambda server: soak(server, SECS), sites.values())
            growths = dict(zip(sites, found, strict=True))
    lines = [told(name, growth) for name, growth in growths.items()]
    for line in lines:
        tell(line)
    assert not any(map(grows, growths.values())), "\n".join(lines)


@pytest.mark.stress
def test_a_leak_of_a_hundred_bytes_a_request_is_noticed(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    url = f"hfs://{tmp_path}/data?fsync=false"
    call = f"make({url!r}, leak_bytes={LEAK_BYTES})"
    with site(f"tests.reliability.soaked_flask:{call}") as server:
        growth = soak(server, SECS / 2)
    tell(told(f"{LEAK_BYTES} bytes leaked on purpose", growth))
    assert grows(growth)
