"""Large files that Flask and Django send: against a plain loop that reads them.

CPU time is compared, of this process or of those that send: what else goes on in the
machine would hide the differences.
"""

import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from benchmarks.file_sites import FILE, django_site, flask_site, on_disk, plain_site
from benchmarks.measure import Effort, Row, Rows, compare
from benchmarks.over_http import Visitor, shown
from benchmarks.wsgi import Application, environ_of
from tests.backends.worker import Worker

AIM: Final = 1.1

_MIB: Final = 2**20
_SIZE_MIB: Final = 256
_SLOWER: Final = 2
_SITES: Final = "benchmarks.file_sites"
_OWN: Final = {"flask": "send_file", "django": "FileResponse"}


def rows(effort: Effort) -> Rows:
    """Measure the sending of a file, with and without a server."""
    with tempfile.TemporaryDirectory() as name:
        with Path(name, FILE).open("wb") as file:
            for _ in range(_SIZE_MIB):
                file.write(bytes(_MIB))
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            yield from process.submit(
                _without_server, name, effort.slow(_SLOWER)
            ).result()
        yield from _with_server(name, effort)


def _without_server(folder: str, effort: Effort) -> list[Row]:
    effort = effort.of_cpu()
    plain = partial(_drain, plain_site(folder), "/")
    url = f"hfs://{folder}"
    sites = {
        "flask": flask_site(folder, url),
        "django": django_site(on_disk(folder), url),
    }
    found = []
    for framework, site in sites.items():
        for path, name, aim in _ways(framework):
            label = f"{framework}, {name} sends {_SIZE_MIB} MiB / a plain loop, CPU"
            call = partial(_drain, site, path)
            found.append(compare(label, plain, call, effort, aim))
    return found


def _ways(framework: str) -> list[tuple[str, str, float | None]]:
    return [("/own", _OWN[framework], None), ("/ours", "ours", AIM)]


def _drain(site: Application, path: str) -> None:
    environ = environ_of(path)
    body: Iterable[bytes] = site(environ, _start)
    for _ in body:
        pass
    close: Any = getattr(body, "close", None)
    if close is not None:
        close()


def _start(status: str, *_: object) -> None:
    if not status.startswith("200"):
        raise RuntimeError(f"The site answers {status}.")


def _with_server(folder: str, effort: Effort) -> Rows:
    url = f"hfs://{folder}"
    with shown(f"{_SITES}:plain_site({folder!r})") as bare:
        plain = partial(Visitor(bare).fetches, "/")
        for framework, given in (("flask", folder), ("django", on_disk(folder))):
            with shown(f"{_SITES}:{framework}_site({given!r}, {url!r})") as server:
                visitor = Visitor(server)
                workers = Worker(bare), Worker(server)
                paced = effort._replace(clock=partial(_computed, workers))
                for path, name, aim in _ways(framework):
                    what = f"{framework}, {name} sends {_SIZE_MIB} MiB by gunicorn"
                    call = partial(visitor.fetches, path)
                    yield compare(
                        f"{what} / a plain loop, CPU", plain, call, paced, aim
                    )


def _computed(workers: Iterable[Worker]) -> float:
    return sum(worker.cpu_secs for worker in workers)
