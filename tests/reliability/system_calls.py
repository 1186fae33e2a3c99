"""Children of which one system call fails: ``python -m`` the name of this file.

It runs under ``strace -f -e inject=CALL:error=CODE:when=LATE``, which counts the calls
of each process by itself. So a child that is forked for one attempt makes as many of
these calls in vain as it takes for the one that is to fail to be that number.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Final

from minimalkv import MinimalkvError, StoreError
from minimalkv._hstores import HFilesystemStore
from tests.reliability.failing import WRITES

_ROOT: Final = Path(__file__).parent.parent.parent
_NOWHERE: Final = "/nowhere/at all"
_CLOSED: Final = 999_999

VAIN: Final[dict[str, tuple[Callable[[], object], int, int]]] = {
    "openat": (lambda: os.open(_NOWHERE, os.O_RDONLY), 3000, 16),
    "write": (lambda: os.write(_CLOSED, b""), 300, 6),
    "fsync": (lambda: os.fsync(_CLOSED), 300, 8),
    "rename": (lambda: Path(_NOWHERE).replace(_NOWHERE), 300, 2),
    "renameat": (lambda: os.replace("no", "no", src_dir_fd=0, dst_dir_fd=0), 300, 2),
    "unlinkat": (lambda: os.unlink("nowhere", dir_fd=0), 300, 4),
    "mkdirat": (lambda: os.mkdir("nowhere/at all", dir_fd=0), 300, 4),
    "utimensat": (lambda: os.utime(_CLOSED, ns=(0, 0)), 300, 6),
    "linkat": (lambda: os.link(_NOWHERE, _NOWHERE, dst_dir_fd=0), 300, 2),
    "copy_file_range": (lambda: os.copy_file_range(_CLOSED, _CLOSED, 1), 300, 3),
}
"""Calls that writes need: how to make each without any effect, how many Python has
made at most when the first child is there, and how many a write makes at most.
"""


def lacking() -> str:
    """Return why no system call can fail here, or nothing."""
    if shutil.which("strace") is None:
        return "not tested: strace must be on PATH"
    probe = [shutil.which("strace") or "", "-qq", "-o", os.devnull, "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        return "not tested: strace may not trace here"
    return ""


class Attempts:
    """A process whose children each try one write, during which one call fails."""

    def __init__(
        self, call: str, code: str, store: HFilesystemStore, given: Path
    ) -> None:
        inject = f"inject={call}:error={code}:when={VAIN[call][1]}"
        strace = [shutil.which("strace") or "", "-f", "-qq", "-o", os.devnull]
        trace = ["-e", f"trace={call}", "-e", inject, "--seccomp-bpf"]
        kind = type(store)
        child = [f"{kind.__module__}:{kind.__qualname__}", store.root, str(given)]
        self._process = subprocess.Popen(
            [*strace, *trace, sys.executable, "-m", __name__, call, *child],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def make(self, use: str, number: int) -> dict[str, Any]:
        """Try a write whose call of this number fails.

        Returns
        -------
        dict
            ``error``: the name of what was raised or None; ``ours``: whether it is an
            error of a store.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([use, number]) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        self._process.communicate(timeout=60)


@contextmanager
def attempts(
    call: str, code: str, store: HFilesystemStore, given: Path
) -> Iterator[Attempts]:
    made = Attempts(call, code, store, given)
    try:
        yield made
    finally:
        made.close()


def _serve(call: str, kind: str, root: str, given: str) -> None:
    for line in sys.stdin:
        use, number = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                _try(call, use, number, resolve_name(kind)(root), Path(given))
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            sys.exit("A child has died.")


def _try(
    call: str, use: str, number: int, store: HFilesystemStore, given: Path
) -> None:
    make, late, _ = VAIN[call]
    for _ in range(late - number):
        with suppress(OSError):
            make()
    told: dict[str, Any] = {"error": None, "ours": True}
    try:
        WRITES[use][0](store, given)
    except BaseException as error:  # noqa: BLE001 - told to the test
        told["error"] = type(error).__name__
        told["ours"] = isinstance(error, StoreError | MinimalkvError)
    # By another call than that which may fail.
    os.writev(1, [(json.dumps(told) + "\n").encode()])
    os._exit(0)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
