"""What is wrong below a store: names, ports, silence, TLS and clocks."""

import hashlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from typing import Final

import pytest
import trustme
from cryptography import x509

from minimalkv import get_store_from_url
from minimalkv._checking.backends import backend_of
from minimalkv.checking import check
from minimalkv.memory.redisstore import RedisStore
from tests.backends.base import StoreServer
from tests.backends.process import HOST, free_ports
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.checking.looking import (
    QUICK_SECS,
    cause,
    looked_at,
    one,
    silent_server,
    statuses,
    tls_server,
)
from tests.net.backend import OBJECT_STORES, Backend, one_of
from tests.proxy import Answer, Proxy, Request, Stall

backend = one_of("redis", *OBJECT_STORES)

URLS = {
    "redis": f"redis://:pw@{HOST}:{{}}/0",
    "s3": f"s3://key:secret@{HOST}:{{}}/bucket?is_secure=false",
    "azure": f"azure://me:a2V5@box?blob_endpoint=http%3A%2F%2F{HOST}%3A{{}}%2Fme",
}
by_scheme = pytest.mark.parametrize("url", URLS.values(), ids=list(URLS))


@pytest.fixture(autouse=True, scope="module")
def loaded_sdks() -> None:
    """Load what takes a second on a busy machine, but once, before time is short."""
    for url in URLS.values():
        with get_store_from_url(url.format(1)) as store:
            assert backend_of(store).endpoints()


@by_scheme
def test_a_port_where_nobody_listens_is_told(url: str) -> None:
    (port,) = free_ports(1)

    report = looked_at(url.format(port))

    assert f"{HOST}:{port} refuses connections" in cause(report, "connect")
    found = statuses(report)
    assert found["resolve"] == "ok"
    assert {found[name] for name in ("answer", "write", "sessions")} == {"skipped"}


def test_google_is_looked_for_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"{HOST}:{port}")

    assert f"{HOST}:{port} refuses" in cause(looked_at("gcs://bucket"), "connect")


@by_scheme
def test_a_server_that_takes_connections_and_is_silent_is_told_in_time(
    url: str,
) -> None:
    with silent_server() as port:
        began = time.monotonic()
        report = check(url.format(port), timeout=QUICK_SECS)
        took = time.monotonic() - began

    assert "then says nothing" in cause(report, "answer")
    assert took < QUICK_SECS


def test_a_host_that_swallows_packets_is_told_in_time() -> None:
    with silent_server() as port, full_queue(port):
        began = time.monotonic()
        report = check(URLS["redis"].format(port), timeout=QUICK_SECS)
        took = time.monotonic() - began

    told = cause(report, "connect")
    assert "did not take a connection" in told
    assert "firewall" in told
    assert took < QUICK_SECS


@contextmanager
def full_queue(port: int) -> Iterator[None]:
    """Connect so often that the system drops what comes next."""
    held: list[socket.socket] = []
    try:
        for _ in range(1000):
            client = socket.socket()
            client.settimeout(0.1)
            held.append(client)
            try:
                client.connect((HOST, port))
            except TimeoutError:
                break
        else:
            pytest.fail("The queue of the listener is never full.")
        yield
    finally:
        for client in held:
            client.close()


def test_a_server_that_falls_silent_later_is_told_in_time(backend: Backend) -> None:
    with Proxy(backend.server.port, settle_secs=0) as proxy:
        url = backend.server.through(backend.url(), proxy.port)
        proxy.fault = Stall(on=not_the_first_question)
        with backend.opened(backend.url(), proxy.port) as store:
            began = time.monotonic()
            report = check(store if backend.name == "gcs" else url, timeout=QUICK_SECS)
            took = time.monotonic() - began

    assert cause(report, "list")
    assert one(report, "answer").status == "ok"
    assert took < QUICK_SECS
    assert proxy.fault.happened


class Slow(RedisStore):
    """Lists for longer than anybody waits."""

    is_over = Event()
    asked: Final[list[str]] = []

    def iter_keys(self, prefix: str = "") -> Iterator[str]:
        self.asked.append(prefix)
        self.is_over.wait()
        yield from super().iter_keys(prefix)


def test_a_listing_that_does_not_end_is_told_as_such(
    redis_server: RedisServer,
) -> None:
    store = Slow(redis_server.url().replace("hredis:", "redis:"))
    try:
        report = check(store, timeout=QUICK_SECS)
    finally:
        Slow.is_over.set()

    assert "did not end in time" in cause(report, "list")
    assert one(report, "credentials").status == one(report, "bucket").status == "ok"
    assert Slow.asked == [""]


def test_a_listing_without_an_answer_is_told_as_such(redis_server: RedisServer) -> None:
    with Proxy(redis_server.port, settle_secs=0) as proxy:
        proxy.fault = Stall(on=lambda request: request.method == "SCAN")
        url = redis_server.through(redis_server.url(), proxy.port)
        report = check(url, timeout=QUICK_SECS)

    assert "--timeout" in cause(report, "list")
    assert one(report, "credentials").status == one(report, "bucket").status == "ok"


def not_the_first_question(request: Request) -> bool:
    return (request.method, request.target) not in (("HEAD", "/"), ("PING", ""))


def test_a_name_that_nobody_knows_is_told() -> None:
    told = cause(looked_at("redis://no-such-host.invalid:6379/0"), "resolve")

    assert "No address is known for 'no-such-host.invalid'" in told
    account = looked_at("azure://no-such-account:a2V5@box")
    assert "no storage account of that name" in cause(account, "resolve")


@pytest.mark.parametrize("name", ["s3", "redis"])
def test_a_stranger_at_the_port_is_told(
    name: str, s3_server: S3Server, redis_server: RedisServer
) -> None:
    other = {"s3": redis_server, "redis": s3_server}[name]

    found = one(looked_at(URLS[name].format(other.port)), "answer")

    assert found.status == "failed"


# TLS.


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """Return an issuer that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for variable in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
    return authority


def secure(name: str) -> str:
    url = URLS[name].replace("redis:", "rediss:").replace("?is_secure=false", "")
    return url.replace("http%3A", "https%3A")


secured = pytest.mark.parametrize(
    "url", [secure(name) for name in URLS], ids=list(URLS)
)


@secured
def test_a_certificate_that_has_expired_is_told(
    url: str, authority: trustme.CA
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with tls_server(authority, HOST, not_after=yesterday) as port:
        assert "has expired" in cause(looked_at(url.format(port)), "tls")


@secured
def test_a_certificate_for_another_host_is_told(
    url: str, authority: trustme.CA
) -> None:
    with tls_server(authority, "example.org") as port:
        told = cause(looked_at(url.format(port)), "tls")
    assert f"is for another name than '{HOST}'" in told


@secured
def test_a_certificate_of_an_unknown_issuer_is_told(
    url: str, authority: trustme.CA
) -> None:
    del authority
    with tls_server(trustme.CA(), HOST) as port:
        told = cause(looked_at(url.format(port)), "tls")
    assert "an issuer that nobody here knows" in told
    assert "/path/ca.pem" in told


def name_hash(certificate: x509.Certificate) -> str:
    """Return what OpenSSL looks for: a hash of the subject in small letters."""
    parts = [
        x509.Name([x509.NameAttribute(one.oid, str(one.value).lower())])
        for one in certificate.subject
    ]
    # Without the two bytes before each, which say that it is a sequence and how long.
    canonical = b"".join(part.public_bytes()[2:] for part in parts)
    digest = hashlib.sha1(canonical, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def test_issuers_may_be_files_of_a_folder_where_requests_looks(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem = authority.cert_pem.bytes()
    certificate = x509.load_pem_x509_certificate(pem)
    folder = tmp_path / "certs"
    folder.mkdir()
    for variable in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(variable, str(folder))

    with tls_server(authority, HOST) as port:
        azure = secure("azure").format(port)
        unknown = cause(looked_at(azure), "tls")
        (folder / f"{name_hash(certificate)}.0").write_bytes(pem)
        trusted = one(looked_at(azure), "tls")
        botocore = cause(looked_at(secure("s3").format(port)), "tls")

    assert "an issuer that nobody here knows" in unknown
    assert trusted.status == "ok"
    assert "cannot be read" in botocore


@pytest.mark.parametrize("server", ["s3_server", "redis_server"], indirect=True)
def test_a_server_that_speaks_no_tls_is_told(server: StoreServer) -> None:
    url = secure(server.scheme).format(server.port)

    told = cause(check(url, timeout=QUICK_SECS), "tls")

    assert "speaks no TLS" in told
    assert "is_secure=false" in told or "redis://" in told


@by_scheme
def test_a_server_that_speaks_tls_only_is_told(url: str, authority: trustme.CA) -> None:
    with tls_server(authority, HOST) as port:
        assert "speaks TLS only" in cause(looked_at(url.format(port)), "answer")


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_server_behind_tls_that_is_well_has_nothing_to_complain_of(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(s3_server.port, tls=True) as proxy:
        monkeypatch.setenv("AWS_CA_BUNDLE", proxy.ca_file)
        url = s3_server.url().replace("?is_secure=false", "")
        report = looked_at(s3_server.through(url, proxy.port))
        unchecked = looked_at(f"{s3_server.through(url, proxy.port)}?verify=false")

    assert report.ok
    assert "is good until" in one(report, "tls").text
    assert unchecked.ok
    assert "verify=false" in one(unchecked, "tls").text
    assert one(unchecked, "tls").status == "warning"


def test_a_certificate_that_ends_soon_is_a_warning(authority: trustme.CA) -> None:
    soon = datetime.now(UTC) + timedelta(days=3)
    with tls_server(authority, HOST, not_after=soon, answer=b"+PONG\r\n") as port:
        found = one(looked_at(secure("redis").format(port)), "tls")

    assert found.status == "warning"
    assert "Renew" in found.cure


# Clocks.


def telling(secs: float) -> Answer:
    """Answer the first question as a server whose clock is ahead."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=secs), usegmt=True)
    reply = f"HTTP/1.1 400 No\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode()
    return Answer(reply, on=lambda request: request.target == "/")


@pytest.mark.parametrize(
    ("backend", "secs", "words", "status"),
    [
        ("s3_server", 3600, "seconds behind that of", "failed"),
        ("azure_server", -3600, "seconds ahead of that of", "failed"),
        ("gcs_server", 60, "seconds behind that of", "warning"),
    ],
    indirect=["backend"],
)
def test_a_clock_that_is_off_is_told(
    backend: Backend, secs: float, words: str, status: str
) -> None:
    with Proxy(backend.server.port) as proxy:
        proxy.fault = telling(secs)
        with backend.opened(backend.url(), proxy.port) as store:
            report = looked_at(store)

    found = one(report, "clock")
    assert words in found.text
    assert "NTP" in found.cure
    assert found.status == status
    assert report.ok is (status != "failed")
    # It stands in the way of nothing else here.
    assert one(report, "write").status == "ok"


def test_the_clock_of_redis_is_compared_too(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = redis_server.url()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 100)

    found = one(looked_at(url), "clock")

    assert found.status == "warning"
    assert "seconds ahead of" in found.text


def test_a_refusal_for_the_time_of_a_request_names_the_clock(
    s3_server: S3Server,
) -> None:
    body = "<Error><Code>RequestTimeTooSkewed</Code><Message>.</Message></Error>"
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(body)}\r\n\r\n"
    with Proxy(s3_server.port) as proxy:
        proxy.fault = Answer(
            (head + body).encode(), on=lambda request: request.target != "/"
        )
        report = looked_at(s3_server.through(s3_server.url(), proxy.port))

    told = cause(report, "credentials")
    assert "the clock of this machine is wrong" in told
    assert "timedatectl" in told


# Proxies.


def test_a_proxy_in_the_environment_is_told_without_its_password(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://me:hidden@{HOST}:{s3_server.port}")

    report = check(s3_server.url(), timeout=QUICK_SECS)

    below = [one(report, name) for name in ("resolve", "connect", "answer", "clock")]
    assert {found.status for found in below} == {"skipped"}
    assert f"through the proxy {HOST}:{s3_server.port}" in below[0].text
    assert "hidden" not in report.to_json()
