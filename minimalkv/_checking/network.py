"""The layers below a store: name, connection and TLS, by sockets of our own."""

import socket
import time
from collections.abc import Iterator
from urllib.request import getproxies, proxy_bypass

from minimalkv._checking.answers import look_at_answer
from minimalkv._checking.backends import Endpoint
from minimalkv._checking.findings import (
    FAILED,
    OK,
    SKIPPED,
    WARNING,
    Finding,
    merged,
)
from minimalkv._checking.handshake import look_at_tls, speaks_tls
from minimalkv._checking.visit import Step, Stop, Visit

_NAMES = ("resolve", "connect", "tls", "answer", "clock")
_RESOLVED_SHOWN = 3
_SHORTEST_SECS = 0.01
_PLAIN_SECS = 1.0


def network_steps(endpoints: list[Endpoint]) -> list[Step]:
    """Return the steps that look at servers from below.

    Parameters
    ----------
    endpoints : list of Endpoint
        The servers; of several one that answers is enough.
    """
    if not endpoints:
        return []
    if proxy := _proxy_of(endpoints[0]):
        return [Step(_names(endpoints), lambda _: _behind_proxy(endpoints, proxy))]
    return [Step(_names(endpoints), lambda visit: _look(endpoints, visit))]


def _names(endpoints: list[Endpoint]) -> tuple[str, ...]:
    tls = any(endpoint.tls for endpoint in endpoints)
    http = any(endpoint.language == "http" for endpoint in endpoints)
    left_out = ("" if tls else "tls", "" if http else "clock")
    return tuple(name for name in _NAMES if name not in left_out)


def _proxy_of(endpoint: Endpoint) -> str:
    """Return the proxy that the environment names for a server, without password."""
    if endpoint.language != "http" or proxy_bypass(endpoint.place):
        return ""
    proxies = getproxies()
    url = proxies.get("https" if endpoint.tls else "http") or proxies.get("all") or ""
    return url.rpartition("@")[2].rpartition("://")[2].partition("/")[0]


def _behind_proxy(endpoints: list[Endpoint], proxy: str) -> Iterator[Finding]:
    text = (
        f"Not looked at: the environment sends requests for {endpoints[0].place} "
        f"through the proxy {proxy}."
    )
    for name in _names(endpoints):
        yield Finding(name, SKIPPED, text)


def _look(endpoints: list[Endpoint], visit: Visit) -> Iterator[Finding]:
    """Look at every server; only if none of them can be used there is no way on."""
    secs = visit.share_secs / len(endpoints)
    seen = [list(_look_at(endpoint, secs, visit)) for endpoint in endpoints]
    usable = [found for found in seen if all(map(_is_usable, found))]
    for name in _names(endpoints):
        of_name = [one for found in seen for one in found if one.name == name]
        if not of_name:
            continue
        together = _together(of_name, is_usable=bool(usable))
        if not _is_usable(together):
            raise Stop(together)
        yield together


def _is_usable(finding: Finding) -> bool:
    return finding.status != FAILED or finding.name == "clock"


def _together(found: list[Finding], *, is_usable: bool) -> Finding:
    """Make one finding of those of several servers, of which one may be enough."""
    worst = merged(found)
    if worst.status == FAILED and is_usable and len(found) > 1:
        return worst._replace(status=WARNING)
    return worst


def _look_at(endpoint: Endpoint, secs: float, visit: Visit) -> Iterator[Finding]:
    try:
        addresses = _resolve(endpoint)
    except OSError as error:
        yield _unresolved(endpoint, error, visit.backend.no_host)
        return
    shown = ", ".join(addresses[:_RESOLVED_SHOWN])
    yield Finding("resolve", OK, f"{endpoint.host} is {shown}.")
    try:
        connection = _connect(endpoint, secs)
    except OSError as error:
        yield unconnected(endpoint, error, secs)
        return
    yield Finding("connect", OK, f"{endpoint.place} takes connections.")
    with connection:
        yield from _talk(endpoint, connection, visit, secs)


def _talk(
    endpoint: Endpoint, connection: socket.socket, visit: Visit, secs: float
) -> Iterator[Finding]:
    talk: socket.socket | None = connection
    if endpoint.tls:
        talk, finding = look_at_tls(endpoint, connection, visit.backend.plain_tls)
        yield finding if talk else _plain_instead(endpoint, finding, visit, secs)
    if talk is None:
        return
    with talk:
        for finding in look_at_answer(endpoint, talk):
            if finding.name == "answer" and finding.status == FAILED:
                yield _tls_instead(endpoint, finding, visit, secs)
            else:
                yield finding


def _plain_instead(
    endpoint: Endpoint, failed: Finding, visit: Visit, secs: float
) -> Finding:
    """Return what it means that TLS failed, if the server answers without it."""
    plain = endpoint._replace(tls=False)
    try:
        with _connect(plain, min(secs, _PLAIN_SECS)) as connection:
            first = next(look_at_answer(plain, connection))
    except OSError:
        return failed
    if first.status == FAILED:
        return failed
    text = f"{endpoint.place} speaks no TLS."
    return Finding("tls", FAILED, text, visit.backend.plain_tls)


def _tls_instead(
    endpoint: Endpoint, failed: Finding, visit: Visit, secs: float
) -> Finding:
    """Return what it means that a server does not answer, if it speaks TLS only."""
    if endpoint.tls:
        return failed
    try:
        with _connect(endpoint, min(secs, _PLAIN_SECS)) as connection:
            if not speaks_tls(connection):
                return failed
    except OSError:
        return failed
    text = f"{endpoint.place} speaks TLS only."
    return Finding("answer", FAILED, text, visit.backend.needs_tls)


def _resolve(endpoint: Endpoint) -> list[str]:
    """Return the addresses of a server."""
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, 0, socket.SOCK_STREAM)
    except UnicodeError as error:  # a label of more than 63 characters
        raise OSError("no host has such a name") from error
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _connect(endpoint: Endpoint, secs: float) -> socket.socket:
    """Connect to the first address that takes it, in a time that all of them share."""
    addresses = _resolve(endpoint)
    deadline = time.monotonic() + secs
    failed: OSError = TimeoutError()
    for number, address in enumerate(addresses):
        left = max(deadline - time.monotonic(), 0) / (len(addresses) - number)
        try:
            connection = socket.create_connection(
                (address, endpoint.port), left or _SHORTEST_SECS
            )
        except OSError as error:
            failed = error
        else:
            connection.settimeout(secs)
            return connection
    raise failed


def _unresolved(endpoint: Endpoint, error: OSError, hint: str) -> Finding:
    return Finding(
        "resolve",
        FAILED,
        f"No address is known for {endpoint.host!r} ({error.strerror or error}).",
        f"{hint}Correct the host in the URL, or the DNS of this machine: getent hosts "
        f"{endpoint.host}",
    )


def unconnected(endpoint: Endpoint, error: OSError, secs: float) -> Finding:
    """Return the finding for a server that cannot be connected to."""
    place = endpoint.place
    if isinstance(error, ConnectionRefusedError):
        text = f"{place} refuses connections: nobody listens on that port."
        cure = "Start the server, or correct the port in the URL."
    elif isinstance(error, TimeoutError):
        text = f"{place} did not take a connection within {secs:.2g} seconds."
        cure = (
            "A firewall drops the packets, or the machine is down or another: ask "
            f"whoever runs the network to open port {endpoint.port}."
        )
    else:
        text = f"{place} cannot be connected to ({error.strerror or error})."
        cure = "Correct the host in the URL, or the route of this machine to it."
    return Finding("connect", FAILED, text, cure)


def reach(endpoint: Endpoint, secs: float) -> Finding | None:
    """Connect to a server, and return what is wrong with it, if anything is."""
    try:
        _connect(endpoint, secs).close()
    except OSError as error:
        return unconnected(endpoint, error, secs)
    return None
