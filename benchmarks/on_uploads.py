"""Files that are sent to Flask and Django: against what they do with them."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import on_files, on_serving
from benchmarks.buckets import PEER, new_buckets
from benchmarks.file_sites import on_disk
from benchmarks.measure import Effort, Rows, compare, summarize
from benchmarks.over_http import Visitor, shown
from minimalkv import get_store_from_url
from tests.backends.worker import Worker
from tests.servers import servers

AIM_OF_FLASK: Final = 1 / 1.7
# Django moves its temporary file to its place, so both write once; and where that is
# on another disk, as for many sites, it copies it.
AIM_OF_DJANGO: Final = 1.0

_MIB: Final = 2**20
_SIZE_MIB: Final = 64
_SLOWER: Final = 4
_TIMES: Final = 3
_SITES: Final = "benchmarks.file_sites"


class Case(NamedTuple):
    """Two ways to keep what is sent.

    Attributes
    ----------
    name, peer : str
        What is done, and what the other way is called.
    application : str
        The site with both, as gunicorn wants it.
    clear : callable
        Removes what was sent.
    file_mib : int
        How much has to be written to files at least.
    aim : float or None
        For the ratio of times.
    """

    name: str
    peer: str
    application: str
    clear: Callable[[], object]
    file_mib: int
    aim: float | None


def rows(effort: Effort) -> Rows:
    """Measure forms with a file, then the use of files, then the sending of them."""
    slow = effort.slow(_SLOWER)
    with tempfile.TemporaryDirectory() as name:
        for case in (*_on_disk(Path(name)), _on_s3()):
            yield from _rows_of(case, slow)
    yield from on_files.rows(effort)
    yield from on_serving.rows(effort)


def _on_disk(folder: Path) -> list[Case]:
    # Theirs do not wait for the disk, so only those of ours that do not, either, can
    # be as fast.
    cases = []
    for fsync in ("false", "true"):
        url = f"hfs://{folder}/ours?fsync={fsync}"
        name = f"upload of {_SIZE_MIB} MiB to files, fsync={fsync}"
        clear = partial(_clear_folder, folder)
        theirs = f"{folder}/theirs"
        for framework, peer, given, wanted in (
            ("flask", ".save()", theirs, AIM_OF_FLASK),
            ("django", "FileSystemStorage", on_disk(theirs), AIM_OF_DJANGO),
        ):
            aim = wanted if fsync == "false" else None
            application = f"{_SITES}:{framework}_site({given!r}, {url!r})"
            label = f"{framework}, {name}"
            cases.append(Case(label, peer, application, clear, _SIZE_MIB, aim))
    return cases


def _clear_folder(folder: Path) -> None:
    for name in ("ours", "theirs"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir()


def _on_s3() -> Case:
    buckets = new_buckets()
    theirs = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": buckets.options()}
    bucket: Any = buckets.bucket

    def clear() -> None:
        with get_store_from_url(buckets.url) as store:
            store.delete_prefix("")
        with servers.s3().client() as client:
            client.delete_object(Bucket=bucket, Key="sent.bin")

    application = f"{_SITES}:django_site({theirs!r}, {buckets.url!r})"
    name = f"django, upload of {_SIZE_MIB} MiB to S3"
    return Case(name, PEER, application, clear, 0, 1.0)


def _rows_of(case: Case, effort: Effort) -> Rows:
    taken = [_taken(case, path) for path in ("/own", "/ours")]
    (wrote, grown), (we_wrote, we_grew) = taken
    files = f"{case.name}, writes {we_wrote} MiB / {wrote} MiB of {case.peer}"
    yield summarize(files, [we_wrote / wrote] * _TIMES, case.file_mib / wrote)
    memory = f"{case.name}, grows by {we_grew} MiB / {grown} MiB of {case.peer}"
    yield summarize(memory, [we_grew / max(grown, 1)] * _TIMES)
    with shown(case.application) as server:
        visitor, worker = Visitor(server, _SIZE_MIB * _MIB), Worker(server)
        # The other clock stands still while others have the processors.
        of_cpu = effort._replace(clock=lambda: worker.cpu_secs)
        clocks = {"": effort}
        if case.file_mib:  # to S3 threads send it, which have ended then
            clocks[", CPU"] = of_cpu
        for unit, paced in clocks.items():
            yield compare(
                f"{case.name} / {case.peer}{unit}",
                partial(visitor.sends, "/own"),
                partial(visitor.sends, "/ours"),
                paced,
                case.aim,
                prepare=lambda _: case.clear(),
            )
    case.clear()


def _taken(case: Case, path: str) -> tuple[int, int]:
    """Return how many MiB a process writes and grows by, which had small forms only."""
    case.clear()
    with shown(case.application) as server:
        Visitor(server).sends(path)
        wrote, grown = Visitor(server, _SIZE_MIB * _MIB).taken_by(path)
    return round(wrote / _MIB), round(grown / _MIB)
