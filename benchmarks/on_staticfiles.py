"""collectstatic to S3: against the storages of django-storages."""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from benchmarks.buckets import PEER, Buckets, new_buckets
from benchmarks.measure import Effort, Row, Rows, compare, summarize
from tests.proxy import Proxy

AIM_FIRST = 0.6
AIM_AGAIN = 0.2

_FILES: Final = 110
_STYLES: Final = 10
_SLOWER: Final = 12
_TIMES: Final = 3
_KINDS: Final = ("", "Manifest")
_AIMS: Final = {"first": AIM_FIRST, "unchanged": AIM_AGAIN, "touched": AIM_AGAIN}
_numbers: Final = count(1)


def rows(effort: Effort) -> Rows:
    """Measure runs that upload everything, and such that find nothing to do."""
    given = new_buckets()
    # Django takes its settings once in a process, and others are measured with others.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield from process.submit(_measure, given, effort.slow(_SLOWER)).result()


def _measure(server: Buckets, effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_sources(folder)
        _configure(folder)
        return [row for kind in _KINDS for row in _rows_of(kind, server, effort)]


def _write_sources(folder: Path) -> None:
    for number in range(_FILES - _STYLES):
        drawing = folder / f"img/{number}.svg"
        drawing.parent.mkdir(exist_ok=True)
        drawing.write_text(f"<svg>{number:04000}</svg>")
    for number in range(_STYLES):
        style = folder / f"css/{number}.css"
        style.parent.mkdir(exist_ok=True)
        style.write_text(f"p {{ background: url(../img/{number}.svg) }}" * 100)


def _configure(folder: Path) -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="a key of the benchmarks",  # noqa: S106 - it protects nothing
        INSTALLED_APPS=["django.contrib.staticfiles", "minimalkv_django"],
        STATIC_URL="/static/",
        STATICFILES_DIRS=[str(folder)],
        USE_TZ=True,
    )
    django.setup()


def _rows_of(kind: str, server: Buckets, effort: Effort) -> Rows:
    label = f"collectstatic {kind.lower()}".strip()
    theirs, ours = _theirs(kind), _ours(kind)
    counts = _requests(theirs, server), _requests(ours, server)
    for what, aim in _AIMS.items():
        theirs_count, ours_count = (found[what] for found in counts)
        name = f"{label}, {what}, {ours_count} requests / {theirs_count} of {PEER}"
        yield summarize(name, [ours_count / theirs_count] * _TIMES, aim)
    for what in ("first", "unchanged"):
        is_new = what == "first"
        bare, made = (_call(s, server, is_new=is_new) for s in (theirs, ours))
        name = f"{label}, {what} / {PEER}"
        yield compare(name, bare, made, effort, _AIMS[what])


Storage = Callable[[Buckets, str], dict[str, Any]]


def _ours(kind: str) -> Storage:
    def made(server: Buckets, location: str) -> dict[str, Any]:
        backend = f"minimalkv_django.staticfiles.KV{kind}StaticFilesStorage"
        options = {"store": server.url, "location": location}
        return {"BACKEND": backend, "OPTIONS": options}

    return made


def _theirs(kind: str) -> Storage:
    def made(server: Buckets, location: str) -> dict[str, Any]:
        options = server.options(location=location)
        backend = f"storages.backends.s3.S3{kind}StaticStorage"
        return {"BACKEND": backend, "OPTIONS": options}

    return made


def _collect(storage: dict[str, Any]) -> None:
    from django.contrib.staticfiles.management.commands.collectstatic import Command
    from django.core.management import call_command
    from django.test.utils import override_settings

    from minimalkv_django.stores import stores

    stores.reset()  # theirs connects anew, too, as each process does
    with override_settings(STORAGES={"staticfiles": storage}):
        call_command(Command(), interactive=False, verbosity=0)


def _call(storage: Storage, server: Buckets, *, is_new: bool) -> Callable[[], object]:
    if not is_new:
        made = storage(server, _new_location())
        _collect(made)
        return lambda: _collect(made)
    return lambda: _collect(storage(server, _new_location()))


def _new_location() -> str:
    return f"run-{next(_numbers)}"


def _requests(storage: Storage, server: Buckets) -> dict[str, int]:
    """Return how many requests a run takes: the first, the next, one after `touch`."""
    from django.conf import settings

    found = {}
    with Proxy(server.port) as proxy:
        made = storage(server.through(proxy.port), _new_location())
        for what in _AIMS:
            if what == "touched":
                _touch(Path(settings.STATICFILES_DIRS[0]))
            proxy.reset_counts()
            _collect(made)
            found[what] = len(proxy.requests)
    return found


def _touch(folder: Path) -> None:
    # Django looks at whole seconds.
    soon = time.time() + 2
    for path in folder.rglob("*.*"):
        os.utime(path, (soon, soon))
