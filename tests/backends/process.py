"""A server for the tests as a process of its own, which never outlives them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from tests.backends.folder import Folder

HOST = "127.0.0.1"
READY_WITHIN_SECS = 60
_POLL_SECS = 0.02
_LOG_TAIL_LINES = 20
_TRIES = 5
# Below the range from which Linux takes the ports of outgoing connections (32768):
# one of those could take the port between our look and the server's bind.
_PORTS = range(20_000, 32_000)

# Linux then kills the server when the thread that started it ends, however it ends.
# A program in between rather than preexec_fn, which may hang where threads run.
_LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit("The tests have ended already.")
os.execv(sys.argv[2], sys.argv[2:])
"""


class ServerError(RuntimeError):
    """A server is not installed or does not come up; the message holds the cure."""


class ServerProcess(ABC):
    """A server: made without doing anything, started by `begin`, used after `wait`.

    Attributes
    ----------
    host : str
        The address of loopback.
    ports : tuple of int
        What the server listens on; new ones with every start.
    pid : int or None
        The process, while there is one.
    """

    host: ClassVar = HOST
    port_count: ClassVar = 1
    environment: ClassVar[Mapping[str, str]] = {}

    def __init__(self) -> None:
        self.ports: tuple[int, ...] = ()
        self._folder: Folder | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._failure = ""

    @abstractmethod
    def _command(self, folder: Path) -> list[str]:
        """Return the program's absolute path and its arguments."""

    @abstractmethod
    def _prepare(self) -> None:
        """Do what makes the server ready; an error means that it is not so yet."""

    def _outside(self) -> Iterable[str]:
        """Name the files that a killed server leaves elsewhere: patterns below /."""
        return ()

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.ports[0]

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def folder(self) -> Path:
        """The data and the log of this run."""
        assert self._folder is not None, "The server was not started."
        return self._folder.path

    def begin(self) -> None:
        """Start the server and return at once, unless it was started before."""
        if self._process is not None:
            return
        # The kernel's signal tells of the end of a thread, not of its process.
        if threading.current_thread() is not threading.main_thread():
            raise ServerError("Start servers in the main thread, before the others.")
        self._folder = Folder()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        assert self._folder is not None
        self.ports = free_ports(self.port_count)
        self._folder.owns(self._outside())
        self._launch()

    def _launch(self) -> None:
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid())]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*launch, *self._command(self.folder)],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # an interrupt from the keyboard is for the tests
            )

    def wait(self) -> None:
        """Return when the server is ready for use.

        Raises
        ------
        ServerError
            If it ended, or is not ready in time; with the end of its log.
        """
        if self._ready:
            return
        if self._failure:
            raise ServerError(self._failure)
        for _ in range(_TRIES):
            problem = self._become_ready()
            if not problem:
                self._ready = True
                return
            tail = self._log_tail()
            if "address already in use" not in tail.lower():
                break
            self._kill()  # somebody took one of its ports: with others, then
            self._start()
        self.stop()
        name = type(self).__name__
        self._failure = f"{name} {problem}. The end of its log:\n{tail}"
        raise ServerError(self._failure)

    def _become_ready(self) -> str:
        assert self._process is not None
        deadline = time.monotonic() + READY_WITHIN_SECS
        reason = "nothing"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return f"ended with exit code {self._process.returncode}"
            try:
                self._prepare()
            except Exception as error:  # noqa: BLE001 - each SDK has its own
                reason = repr(error)
            else:
                return ""
            time.sleep(_POLL_SECS)
        return f"is not ready after {READY_WITHIN_SECS} s: {reason}"

    def _log_tail(self) -> str:
        text = (self.folder / "log").read_text("utf-8", "replace")
        return "\n".join(text.splitlines()[-_LOG_TAIL_LINES:]) or "(empty)"

    def restart(
        self,
        number: int = signal.SIGKILL,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """End the process by a signal and go on with its ports and what it stored.

        Parameters
        ----------
        number : int
            The signal.
        meanwhile : callable
            Called while there is no server.
        """
        assert self._process is not None, "The server was not started."
        self._process.send_signal(number)
        self._process.wait(READY_WITHIN_SECS)
        self._ready = False
        meanwhile()
        self._launch()
        self.wait()

    def stop(self) -> None:
        """End the server and remove what it stored; without one do nothing."""
        self._kill()
        self._ready = False
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # Not SIGTERM: nothing is to be kept, and SeaweedFS takes 25 s over it.
        process.kill()
        process.wait()


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of loopback that nobody listens on, all different."""
    found: set[int] = set()
    while len(found) < count:
        # Not from `random`: its seed is often fixed, and then two runs collide.
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        found.add(port)
    return tuple(found)
