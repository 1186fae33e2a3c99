"""Real servers for the tests: Valkey, SeaweedFS, Azurite and fake-gcs-server.

`servers` starts each at most once per run, when it is first asked for, and ends
them with the process. ``servers.redis().url()`` is a store that nobody used before.
"""

import atexit
import os
import signal
from collections.abc import Iterable
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from tests.backends.azure import AzureServer
    from tests.backends.base import StoreServer
    from tests.backends.gcs import GCSServer
    from tests.backends.redis import RedisServer
    from tests.backends.s3 import S3Server

# Names rather than classes: asking for one server loads no other's SDK.
_CLASSES: Final = {
    "redis": "RedisServer",
    "s3": "S3Server",
    "azure": "AzureServer",
    "gcs": "GCSServer",
}
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


class Servers:
    """The servers of one run of the tests.

    Each method returns a server that is ready. The first call starts it, in the main
    thread and within 60 s, unless `begin` did so; a server that is not installed or
    does not come up is a `ServerError` with the cure or the end of its log.
    """

    def __init__(self) -> None:
        self._running: dict[str, StoreServer] = {}
        self._owner = os.getpid()

    def redis(self) -> "RedisServer":
        """Return Valkey."""
        return cast("RedisServer", self._ready("redis"))

    def s3(self) -> "S3Server":
        """Return SeaweedFS."""
        return cast("S3Server", self._ready("s3"))

    def azure(self) -> "AzureServer":
        """Return Azurite."""
        return cast("AzureServer", self._ready("azure"))

    def gcs(self) -> "GCSServer":
        """Return fake-gcs-server."""
        return cast("GCSServer", self._ready("gcs"))

    def begin(self, names: Iterable[str]) -> None:
        """Start several at once without waiting for any.

        Parameters
        ----------
        names : iterable of str
            Of ``redis``, ``s3``, ``azure`` and ``gcs``.
        """
        for name in names:
            if name not in self._running:
                self._end_with_process()
                module = import_module(f"tests.backends.{name}")
                server = getattr(module, _CLASSES[name])()
                server.begin()
                self._running[name] = server

    def _ready(self, name: str) -> "StoreServer":
        self.begin([name])
        server = self._running[name]
        server.wait()
        return server

    def _end_with_process(self) -> None:
        if self._running:
            return
        atexit.register(self.stop)
        for number in _SIGNALS:
            # pytest itself leaves its fixtures as they are when it is terminated.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end_with_signal)

    def _end_with_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.stop()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def stop(self) -> None:
        """End all that run and remove what they stored."""
        if os.getpid() != self._owner:  # a child that was forked by a test
            return
        while self._running:
            _, server = self._running.popitem()
            server.stop()


servers: Final = Servers()
"""The one of this process; tests reach it through the fixtures of tests/net."""
