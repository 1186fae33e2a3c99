"""The clients of the SDKs: made when they are needed, and one in each process."""

import os
import time
from copy import copy
from threading import Lock
from typing import Generic, TypeVar

from minimalkv._fork import tell_after_fork

SettingsT = TypeVar("SettingsT")
ClientT = TypeVar("ClientT")


class PerProcess(Generic[SettingsT, ClientT]):
    """The way of one store to its server.

    A client that was used before a fork gives wrong answers in the child, so every
    process makes its own. Threads share it.

    Parameters
    ----------
    settings : object
        What the client is made of. A pickle holds nothing else.
    """

    def __init__(self, settings: SettingsT) -> None:
        self.settings = settings
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()
        self._client: ClientT | None = None
        self._failure: tuple[float, Exception] | None = None
        self._pid = os.getpid()

    @property
    def client(self) -> ClientT:
        """The client of this process."""
        if self._pid != os.getpid():
            self._after_fork()
        client = self._client
        if client is None:
            began = time.monotonic()
            with self._lock:
                client = self._client = self._client or self._make_after(began)
        return client

    def _make_after(self, began: float) -> ClientT:
        """Make the client, unless that failed while this thread waited its turn."""
        if self._failure is not None and self._failure[0] > began:
            raise copy(self._failure[1])
        try:
            return self._make()
        except Exception as error:
            self._failure = time.monotonic(), error
            raise

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            self._close(client)

    def _make(self) -> ClientT:
        raise NotImplementedError

    def _close(self, client: ClientT) -> None:
        raise NotImplementedError

    def __getstate__(self) -> SettingsT:
        return self.settings

    def __setstate__(self, settings: SettingsT) -> None:
        self.settings = settings
        self._after_fork()
        tell_after_fork(self)
