"""HTTP/1.1 through the proxy, request by request."""

import asyncio
from asyncio import IncompleteReadError, StreamReader
from collections.abc import AsyncIterator, Mapping
from typing import Final

from tests.proxying.connection import (
    PIECE_BYTES,
    Connection,
    Ended,
    Exchange,
    flipped,
)
from tests.proxying.faults import Answer, Drop, FlipSent, ReplyFault
from tests.proxying.requests import Request

_NO_BODY: Final = (204, 304)


async def serve(connection: Connection, start: bytes) -> None:
    """Pass on requests and replies until one side closes.

    Parameters
    ----------
    connection : Connection
        Both ends.
    start : bytes
        What was read of the first request.
    """
    while True:
        head = start + await _next_head(connection)
        start = b""
        first, headers = _parse(head)
        method, target, *_ = first.split(" ")
        request = Request(connection.number, method, target, headers)
        await _exchange(connection, request, head)


async def _next_head(connection: Connection) -> bytes:
    """Wait for a request, or for the server to give up the idle connection."""
    request = asyncio.create_task(_read_head(connection.client.reader))
    closed = asyncio.create_task(connection.server.reader.read(1))
    try:
        await asyncio.wait({request, closed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        arrived = request.done()
        request.cancel()
        closed.cancel()
        # Until it has ended, nobody else may read from the server.
        await asyncio.wait({closed})
    if not arrived:
        raise Ended
    return request.result()


async def _read_head(reader: StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except IncompleteReadError as error:
        raise Ended from error


def _parse(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


async def _exchange(connection: Connection, request: Request, head: bytes) -> None:
    fault = connection.proxy.note(request, len(head))
    if isinstance(fault, Answer):
        fault.happened += 1
        await _answer(connection, request, fault.reply)
    elif isinstance(fault, Drop):
        fault.happened += 1
        await _drop(connection, request, head, fault.after)
    else:
        waiting = fault if isinstance(fault, ReplyFault) else None
        flip = fault if isinstance(fault, FlipSent) else None
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_up(connection, request, head, flip))
            await _send_down(connection, Exchange(request, waiting))


async def _answer(connection: Connection, request: Request, reply: bytes) -> None:
    if not _waits(request):
        async for piece in _body_of(connection, request):
            del piece
    await connection.reply(Exchange(request, None), reply)
    if _waits(request):
        raise Ended


def _waits(request: Request) -> bool:
    """Tell whether the client sends the body only when it is told to go on."""
    return request.headers.get("expect", "").lower() == "100-continue"


async def _body_of(connection: Connection, request: Request) -> AsyncIterator[bytes]:
    async for piece in _pieces(connection.client.reader, request.headers):
        request.body_bytes += len(piece)
        connection.proxy.received_bytes += len(piece)
        yield piece


async def _send_up(
    connection: Connection, request: Request, head: bytes, flip: FlipSent | None
) -> None:
    await connection.server.send(head)
    async for piece in _body_of(connection, request):
        begin = request.body_bytes - len(piece)
        position = -1 if flip is None else flip.position(request) - begin
        if flip is not None and 0 <= position < len(piece):
            flip.happened += 1
            piece = flipped(piece, position)
        await connection.server.send(piece)


async def _drop(
    connection: Connection, request: Request, head: bytes, after: int | None
) -> None:
    if after is not None:
        await connection.server.send(head)
        async for piece in _body_of(connection, request):
            await connection.server.send(piece[:after])
            after -= len(piece)
            if after < 0:
                raise Ended
        await _read_reply(connection)
    raise Ended


async def _send_down(connection: Connection, exchange: Exchange) -> None:
    request = exchange.request
    head, body_comes = await _read_reply(connection)
    first, headers = _parse(head)
    request.status = _status(first)
    await connection.reply(exchange, head)
    if request.method != "HEAD" and request.status not in _NO_BODY:
        reader = connection.server.reader
        async for piece in _pieces(reader, headers, else_until_eof=True):
            await connection.reply(exchange, piece)
    if _waits(request) and not body_comes:
        # Where the next request begins, nobody can tell.
        raise Ended


async def _read_reply(connection: Connection) -> tuple[bytes, bool]:
    """Return the head of the reply, and whether the client was told to go on."""
    told = False
    connection.proxy.unanswered += 1
    try:
        while True:
            head = await _read_head(connection.server.reader)
            if _status(_parse(head)[0]) // 100 != 1:
                return head, told
            told = True  # by 100 Continue: the reply is still to come
            await connection.client.send(head)
    finally:
        connection.proxy.unanswered -= 1


def _status(first: str) -> int:
    return int(first.split(" ")[1])


async def _pieces(
    reader: StreamReader, headers: Mapping[str, str], *, else_until_eof: bool = False
) -> AsyncIterator[bytes]:
    """Yield a body as it is on the wire, piece by piece."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        async for piece in _chunks(reader):
            yield piece
    elif "content-length" in headers:
        async for piece in _exactly(reader, int(headers["content-length"])):
            yield piece
    elif else_until_eof:
        while piece := await reader.read(PIECE_BYTES):
            yield piece
        raise Ended


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    size = 1
    while size:
        line = await _line(reader)
        yield line
        size = int(line.split(b";")[0], 16)
        if size:
            async for piece in _exactly(reader, size + 2):
                yield piece
    while line != b"\r\n":
        line = await _line(reader)
        yield line


async def _line(reader: StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n")
    except IncompleteReadError as error:
        raise Ended from error


async def _exactly(reader: StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(size, PIECE_BYTES))
        if not piece:
            raise Ended
        size -= len(piece)
        yield piece
