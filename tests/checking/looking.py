"""What the tests of `check` have in common."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, Final

import trustme

from minimalkv.checking import Finding, Report, check
from tests.backends.process import HOST

QUICK_SECS: Final = 2.0
"""For servers that never answer: they are waited for a quarter of it."""

ENOUGH_SECS: Final = 30.0
"""For those that do, however busy this machine is."""


def looked_at(url_or_store: Any, **options: Any) -> Report:
    """Check a store that answers."""
    return check(url_or_store, **{"timeout": ENOUGH_SECS, **options})


def one(report: Report, name: str) -> Finding:
    found = [finding for finding in report.findings if finding.name == name]
    assert len(found) == 1, report
    return found[0]


def cause(report: Report, name: str) -> str:
    """Return what a finding says that has to have failed, and nothing before it."""
    failed = [finding for finding in report.findings if finding.status == "failed"]
    assert [finding.name for finding in failed] == [name], report
    assert not report.ok
    assert failed[0].cure, report
    return f"{failed[0].text} {failed[0].cure}"


def statuses(report: Report) -> dict[str, str]:
    assert len({finding.name for finding in report.findings}) == len(report.findings)
    return {finding.name: finding.status for finding in report.findings}


@contextmanager
def silent_server() -> Iterator[int]:
    """Let a port take connections and say nothing, ever."""
    with socket.create_server((HOST, 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def tls_server(
    authority: trustme.CA, *names: str, answer: bytes = b"", **options: Any
) -> Iterator[int]:
    """Run a server with a certificate for these names, which answers all alike."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **options).configure_cert(context)
    with socket.create_server((HOST, 0)) as listener:
        Thread(target=_serve, args=(listener, context, answer), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, context: ssl.SSLContext, answer: bytes) -> None:
    with suppress(OSError):  # the block has ended
        while True:
            client, _ = listener.accept()
            with (
                suppress(OSError),
                context.wrap_socket(client, server_side=True) as end,
            ):
                end.recv(4096)
                end.sendall(answer)
