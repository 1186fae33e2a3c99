"""One connection through the proxy: both its ends, and what happens to replies."""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.proxying.faults import (
    Cut,
    Delay,
    Drip,
    Flip,
    ReplyFault,
    Reset,
    Stall,
)
from tests.proxying.requests import Request

if TYPE_CHECKING:
    from tests.proxy import Proxy

PIECE_BYTES: Final = 2**18
_LINGER: Final = struct.pack("ii", 1, 0)
_DRIP_BYTES: Final = 3


def flipped(data: bytes, position: int) -> bytes:
    """Return the same bytes, but for one bit of one of them."""
    other = bytes([data[position] ^ 4])
    return data[:position] + other + data[position + 1 :]


class Ended(Exception):
    """The connection is over, by a fault or because one side closed it."""


class End:
    """One end of it."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        # So that `drain` returns when all is sent: a cut comes exactly behind it.
        # With 0 as the first, TLS would never go on.
        writer.transport.set_write_buffer_limits(high=1, low=0)

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        self.writer.write(data)
        await self.writer.drain()

    async def close(self, *, reset: bool = False) -> None:
        """Close it at once, also if a forked child holds it open too."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None:  # behind TLS there is none after the other side closed
            with suppress(OSError):
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                else:
                    sock.shutdown(socket.SHUT_RDWR)
        self.writer.transport.abort()
        with suppress(OSError):
            await self.writer.wait_closed()


class Connection(NamedTuple):
    """A connection of a client and the one to the server that belongs to it."""

    proxy: "Proxy"
    number: int
    client: End
    server: End

    async def reply(self, exchange: "Exchange", data: bytes) -> None:
        """Send a piece of a reply, unless its fault stands in the way."""
        fault, position = exchange.fault, exchange.position(data)
        room = position - exchange.request.reply_bytes
        if fault is None or position < 0 or room >= len(data):
            await self._pass_on(exchange, data)
            return
        exchange.fault = None
        await self._pass_on(exchange, data[:room])
        fault.happened += 1
        rest = await self._happen(fault, exchange, data[room:])
        await self._pass_on(exchange, rest)

    async def _pass_on(self, exchange: "Exchange", data: bytes) -> None:
        if data:
            exchange.request.reply_bytes += len(data)
            self.proxy.sent_bytes += len(data)
            await self.client.send(data)

    async def _happen(
        self, fault: ReplyFault, exchange: "Exchange", rest: bytes
    ) -> bytes:
        """Do what a fault is for, and return what is still to be sent."""
        if isinstance(fault, Flip):
            return flipped(rest, 0)
        if isinstance(fault, Drip):
            for _ in range(fault.pieces):
                await self._pass_on(exchange, rest[:_DRIP_BYTES])
                rest = rest[_DRIP_BYTES:]
                await asyncio.sleep(fault.secs)
        elif isinstance(fault, Delay):
            await asyncio.sleep(fault.secs)
        elif isinstance(fault, Stall):
            await asyncio.get_running_loop().create_future()
        elif isinstance(fault, Cut | Reset):
            await self.client.close(reset=isinstance(fault, Reset))
            raise Ended
        return rest


class Exchange:
    """A request, and the fault that waits in its reply."""

    def __init__(self, request: Request, fault: ReplyFault | None) -> None:
        self.request = request
        self.fault = fault
        self._position: int | None = None

    def position(self, data: bytes) -> int:
        """Return where in the reply the fault is; its first piece decides."""
        if self._position is None and self.fault is not None:
            self._position = self.fault.position(data)
        return -1 if self._position is None else self._position
