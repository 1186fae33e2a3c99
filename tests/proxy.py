"""A proxy on loopback that counts requests and makes faults.

    with Proxy(server.port) as proxy:
        store = get_store_from_url(server.through(url, proxy.port))
        store.get("key")
        assert [request.method for request in proxy.requests] == ["GET"]
        proxy.fault = Cut(body=100, on=lambda request: request.method == "GET")

It tells HTTP/1.1 and the protocol of Redis apart by the first byte.
"""

import asyncio
import ssl
import tempfile
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Coroutine
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import trustme

from tests.backends.process import HOST, free_ports
from tests.proxying import http, resp
from tests.proxying.connection import Connection, End, Ended
from tests.proxying.faults import (
    Answer,
    Cut,
    Delay,
    Drip,
    Drop,
    Fault,
    Flip,
    FlipSent,
    Refuse,
    Reset,
    Stall,
)
from tests.proxying.requests import Request

__all__ = [
    "Answer",
    "Cut",
    "Delay",
    "Drip",
    "Drop",
    "Fault",
    "Flip",
    "FlipSent",
    "Proxy",
    "Refuse",
    "Request",
    "Reset",
    "Stall",
]

_T = TypeVar("_T")
_ANSWERS_WITHIN_SECS: Final = 30
_LINE_LIMIT: Final = 2**20


class Proxy:
    """A proxy in front of one server, in a thread of its own, for a ``with`` block.

    Parameters
    ----------
    target_port : int
        Where the server listens on loopback.
    tls : bool
        Whether clients speak TLS; the server never does.
    settle_secs : float
        How long a Redis client has to be silent before it counts as waiting for a
        reply. Each round trip takes that much longer: 0 where nobody counts them.

    Attributes
    ----------
    port : int
        Where clients connect, on 127.0.0.1.
    ca_file : str
        With TLS, the certificate of the authority that signed the proxy's.
    requests : list of Request
        What came since the counts were reset, in the order of their heads; requests
        that a fault kept from the server too.
    connections : int
        How many clients connected since then.
    round_trips : int
        How often a client waited for Redis; for HTTP the number of requests.
    received_bytes, sent_bytes : int
        What clients sent and got, heads included, in bytes.
    unanswered : int
        How many HTTP requests reached the server and are not answered yet; their
        clients may have gone.
    """

    def __init__(
        self, target_port: int, *, tls: bool = False, settle_secs: float = 0.01
    ) -> None:
        self.settle_secs = settle_secs
        self._target_port = target_port
        self._tls = tls
        self._stack = ExitStack()
        self._fault: Fault | None = None
        self._errors: list[BaseException] = []
        self._numbers = 0
        self._listener: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._context: ssl.SSLContext | None = None
        self.ca_file = ""
        self.port = 0
        self.unanswered = 0
        self.reset_counts()

    def reset_counts(self) -> None:
        """Count from zero again."""
        self.requests: list[Request] = []
        self.connections = 0
        self.round_trips = 0
        self.received_bytes = 0
        self.sent_bytes = 0

    @property
    def methods(self) -> list[str]:
        """The methods or commands of the requests."""
        return [request.method for request in self.requests]

    @property
    def fault(self) -> Fault | None:
        """What happens to requests from now on; None is nothing."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        refuse = isinstance(fault, Refuse)
        if refuse != isinstance(self._fault, Refuse):
            self._call(self._close() if refuse else self._listen())
        self._fault = fault

    def note(self, request: Request, head_bytes: int) -> Fault | None:
        """Count a request and return the fault that is for it; for the handlers."""
        self.requests.append(request)
        self.received_bytes += head_bytes
        if head_bytes:
            self.round_trips += 1
        fault = self._fault
        return fault if fault is not None and fault.take(request) else None

    def __enter__(self) -> Self:
        self._set_up_tls()
        self.port = free_ports(1)[0]
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(self._note_error)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._listen())
        return self

    def _set_up_tls(self) -> None:
        if not self._tls:
            return
        authority = trustme.CA()
        folder = self._stack.enter_context(tempfile.TemporaryDirectory())
        self.ca_file = f"{folder}/ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST, "localhost").configure_cert(self._context)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ANSWERS_WITHIN_SECS)
        self._loop.close()
        self._stack.close()
        if self._errors and error is None:
            raise self._errors[0]

    def _call(self, work: Coroutine[Any, Any, _T]) -> _T:
        done = asyncio.run_coroutine_threadsafe(work, self._loop)
        return done.result(_ANSWERS_WITHIN_SECS)

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(
            self._accept, HOST, self.port, ssl=self._context, limit=_LINE_LIMIT
        )

    async def _close(self) -> None:
        await self._stop_listening()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            await asyncio.sleep(0)

    async def _stop_listening(self) -> None:
        if self._listener is None:
            return
        for listening in self._listener.sockets:
            self._loop.remove_reader(listening)
        # What is being accepted has to begin before: a closed listener would leave
        # its socket open without a word.
        await asyncio.sleep(0)
        self._listener.close()
        self._listener = None

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        self._numbers += 1
        work = self._serve_until_end(End(reader, writer), self._numbers)
        task = self._loop.create_task(work)
        self._serving.add(task)
        # One that is cancelled before it begins closes nothing by itself.
        task.add_done_callback(lambda _: writer.transport.abort())
        task.add_done_callback(self._serving.discard)

    async def _serve_until_end(self, client: End, number: int) -> None:
        try:
            await self._serve(client, number)
        except* (Ended, OSError):
            pass
        except* Exception as errors:  # noqa: BLE001 - the end of the block raises it
            self._errors.append(errors)
        finally:
            await client.close()

    async def _serve(self, client: End, number: int) -> None:
        streams = await asyncio.open_connection(
            HOST, self._target_port, limit=_LINE_LIMIT
        )
        server = End(*streams)
        connection = Connection(self, number, client, server)
        try:
            start = await client.reader.read(1)
            if start:
                serve = resp.serve if start == b"*" else http.serve
                await serve(connection, start)
        finally:
            await server.close()

    def _note_error(self, loop: object, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        # A client that distrusts the certificate is what some tests are about.
        if error is not None and not isinstance(error, OSError):
            self._errors.append(error)
