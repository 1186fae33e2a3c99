"""The protocol of Redis through the proxy: commands, and bursts of them."""

import asyncio
from typing import Final

from tests.proxying.connection import PIECE_BYTES, Connection, Ended, Exchange
from tests.proxying.faults import Answer, Drop, Fault, ReplyFault
from tests.proxying.requests import Request

_KEPT_BYTES: Final = 1024
_LINE_BYTES: Final = 64


async def serve(connection: Connection, start: bytes) -> None:
    """Pass on commands and replies until one side closes.

    Parameters
    ----------
    connection : Connection
        Both ends.
    start : bytes
        What was read of the first command.
    """
    bursts = _Bursts(connection)
    async with asyncio.TaskGroup() as group:
        group.create_task(bursts.send_up(start))
        group.create_task(bursts.send_down())


class _Bursts:
    """The commands that a client sends until it reads a reply are one round trip."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._commands = CommandParser()
        self._answered = True
        self._pieces = 0
        self._exchange = self._unknown()

    def _unknown(self) -> Exchange:
        return Exchange(Request(self._connection.number, "", ""), None)

    async def send_up(self, start: bytes) -> None:
        data = start
        reader = self._connection.client.reader
        while data := data + await reader.read(PIECE_BYTES):
            self._begin_burst()
            self._pieces += 1
            begun = not self._commands.at_start
            fault = self._note(data)
            if isinstance(fault, Drop | Answer):
                await self._keep_back(fault, begun=begun)
            else:
                await self._connection.server.send(data)
            data = b""
        raise Ended

    def _begin_burst(self) -> None:
        # In the middle of a command it is the same burst, whatever was answered.
        if self._answered and self._commands.at_start:
            self._connection.proxy.round_trips += 1
            self._answered = False
            self._exchange = self._unknown()

    def _note(self, data: bytes) -> Fault | None:
        found: Fault | None = None
        proxy = self._connection.proxy
        proxy.received_bytes += len(data)
        for name, argument in self._commands.feed(data):
            request = Request(self._connection.number, name, argument)
            fault = proxy.note(request, 0)
            found = found or fault
            if not self._exchange.request.method:
                self._exchange = Exchange(request, None)
            if isinstance(fault, ReplyFault):
                self._exchange.fault = fault
        return found

    async def _keep_back(self, fault: Drop | Answer, *, begun: bool) -> None:
        fault.happened += 1
        if isinstance(fault, Answer):
            self._answered = True
            await self._connection.client.send(fault.reply)
        if begun or isinstance(fault, Drop):
            # A server that has the beginning would wait for the rest.
            raise Ended

    async def send_down(self) -> None:
        while data := await self._connection.server.reader.read(PIECE_BYTES):
            if not self._answered:
                await self._wait_for_silence()
                self._answered = True
            await self._connection.reply(self._exchange, data)
        raise Ended

    async def _wait_for_silence(self) -> None:
        """Let a long burst arrive: the server answers before all of it was sent."""
        seen = -1
        while seen != self._pieces:
            seen = self._pieces
            await asyncio.sleep(self._connection.proxy.settle_secs)


class CommandParser:
    """Finds the commands in what a client sends, whatever pieces it comes in."""

    def __init__(self) -> None:
        self._pending = b""
        self._arguments = 0
        self._skip = 0
        self._found: list[str] = []

    @property
    def at_start(self) -> bool:
        """Whether all commands so far are complete."""
        return not (self._pending or self._arguments or self._skip)

    def feed(self, data: bytes) -> list[tuple[str, str]]:
        """Return name and first argument of the commands that become complete."""
        data, self._pending = self._pending + data, b""
        position = 0
        commands = []
        while position < len(data):
            if self._skip:
                step = min(self._skip, len(data) - position)
                self._skip -= step
                position += step
            else:
                end = self._read(data, position)
                if end is None:
                    self._pending = data[position:]
                    break
                position = end
            if not (self._skip or self._arguments):
                name, *rest = *self._found, ""
                commands.append((name.upper(), rest[0]))
                self._found = []
        return commands

    def _read(self, data: bytes, position: int) -> int | None:
        """Read a length, with its argument if that is kept; None: not all is here."""
        end = data.find(b"\r\n", position, position + _LINE_BYTES)
        if end < 0:
            return None
        number = int(data[position + 1 : end])
        end += 2
        if data[position : position + 1] == b"*":
            self._arguments = number
            return end
        size = number + 2
        if len(self._found) < 2 and number <= _KEPT_BYTES:
            if len(data) < end + size:
                return None
            self._found.append(data[end : end + number].decode("utf-8", "replace"))
            end += size
        else:
            self._skip = size
        self._arguments -= 1
        return end
