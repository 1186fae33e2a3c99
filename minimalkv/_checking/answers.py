"""What a server says to somebody whom it does not know, and what its clock says."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from socket import socket
from typing import Final

from minimalkv._checking.backends import Endpoint
from minimalkv._checking.findings import FAILED, OK, SKIPPED, WARNING, Finding

_ENOUGH_BYTES: Final = 16 * 1024
_PING: Final = b"*1\r\n$4\r\nPING\r\n"
_HEAD: Final = "HEAD / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: */*\r\n\r\n"
# A Date has whole seconds, and the answer took its way.
_NOTICED_SECS: Final = 5
# Google takes no token that is more than this off, S3 and Azure three times as much.
_REFUSED_SECS: Final = 300


def look_at_answer(endpoint: Endpoint, connection: socket) -> Iterator[Finding]:
    """Say something to a server, and yield what its answer tells.

    Parameters
    ----------
    endpoint : Endpoint
        The server.
    connection : socket
        A connection to it, with a timeout.
    """
    is_redis = endpoint.language == "redis"
    question = _PING if is_redis else _HEAD.format(endpoint.place).encode()
    began = time.time()
    try:
        connection.sendall(question)
        answer = _read(connection, b"\r\n" if is_redis else b"\r\n\r\n")
    except OSError as error:
        yield _silent(endpoint, error)
        return
    here = (began + time.time()) / 2
    problem = _problem(endpoint, answer)
    if problem is not None:
        yield problem
        return
    yield Finding("answer", OK, f"{endpoint.place} speaks {_NAMES[endpoint.language]}.")
    if not is_redis:
        yield _clock(endpoint, answer, here)


_NAMES: Final = {"redis": "the protocol of Redis", "http": "HTTP"}


def _read(connection: socket, end: bytes) -> bytes:
    answer = b""
    while end not in answer and len(answer) < _ENOUGH_BYTES:
        part = connection.recv(4096)
        if not part:
            break
        answer += part
    return answer


def _silent(endpoint: Endpoint, error: OSError) -> Finding:
    if isinstance(error, TimeoutError):
        text = f"{endpoint.place} takes the connection and then says nothing."
        cure = (
            "The server hangs, or a firewall or load balancer in front of it has lost "
            "it: restart it, or ask whoever runs it."
        )
    else:
        why = error.strerror or type(error).__name__
        text = f"{endpoint.place} broke off the connection ({why})."
        cure = "Look at the log of the server."
    return Finding("answer", FAILED, text, cure)


def _problem(endpoint: Endpoint, answer: bytes) -> Finding | None:
    place, language = endpoint.place, endpoint.language
    if not answer:
        text = f"{place} closed the connection without an answer."
        return Finding("answer", FAILED, text, "Look at the log of the server.")
    if answer.startswith(b"-DENIED"):
        text = f"Redis at {place} is in protected mode: it answers nobody from outside."
        cure = "Give it a password (requirepass) there, and write it into the URL."
        return Finding("answer", FAILED, text, cure)
    begin = b"HTTP/" if language == "http" else (b"+", b"-")
    # Some HTTP servers say so in the clear.
    if answer.startswith(begin) and (endpoint.tls or b"HTTPS" not in answer):
        return None
    text = f"What listens at {place} does not speak {_NAMES[language]}."
    return Finding("answer", FAILED, text, "Correct the host or the port in the URL.")


def _clock(endpoint: Endpoint, answer: bytes, here: float) -> Finding:
    for line in answer.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "date":
            try:
                there = parsedate_to_datetime(value.strip()).timestamp()
            except ValueError:
                break
            # It is cut off, so in the middle half a second later.
            return clock_finding(endpoint.place, here - there - 0.5, is_signed=True)
    return Finding("clock", SKIPPED, f"{endpoint.place} does not say what time it is.")


def clock_finding(place: str, ahead_secs: float, *, is_signed: bool) -> Finding:
    """Return what a difference between two clocks means.

    Parameters
    ----------
    place : str
        The server.
    ahead_secs : float
        By how much our clock is ahead of its, in seconds.
    is_signed : bool
        Whether requests are signed with the time.
    """
    by = abs(ahead_secs)
    if by <= _NOTICED_SECS:
        return Finding("clock", OK, f"The clocks agree with that of {place}.")
    way = "ahead of" if ahead_secs > 0 else "behind"
    text = f"The clock of this machine is {by:.0f} seconds {way} that of {place}."
    cure = "Set the clock here by NTP (timedatectl set-ntp true), or the one there."
    if is_signed and by >= _REFUSED_SECS:
        refused = (
            "Requests, URLs and tokens that are signed with such a time are refused."
        )
        return Finding("clock", FAILED, f"{text} {refused}", cure)
    return Finding(
        "clock", WARNING, f"{text} What expires does so too soon or late.", cure
    )
