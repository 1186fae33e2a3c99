"""`GoogleCloudStore` on a machine of Google's, whose credentials come by HTTP."""

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from google.auth import impersonated_credentials
from google.auth.compute_engine import _metadata

from minimalkv import AccessDenied, StoreUnavailable
from minimalkv._contract.tools import together
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST, free_ports
from tests.net.backend import EMULATOR
from tests.net.gcs_account import EMAIL, private_key
from tests.net.gcs_machine import Machine, of_machine, of_user, on_machine
from tests.proxy import Proxy

OTHER = "other@test-project.iam.gserviceaccount.com"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GCLOUD_", "NO_GCE_")) or name == EMULATOR:
            monkeypatch.delenv(name)
    with on_machine(tmp_path, monkeypatch) as machine:
        yield machine


@pytest.fixture
def bucket(gcs_server: GCSServer) -> str:
    return gcs_server.namespace(gcs_server.url())


@pytest.fixture
def proxy(
    gcs_server: GCSServer, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    """Return what stands for Google, and is no emulator to a store."""
    del machine
    with Proxy(gcs_server.port) as proxy:
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", f"http://{HOST}:{proxy.port}")
        yield proxy


@pytest.mark.parametrize("by_default", [True, False])
def test_machine_gives_a_token(
    proxy: Proxy, machine: Machine, bucket: str, by_default: bool
) -> None:
    given: Any = None if by_default else of_machine()
    with GoogleCloudStore(given, bucket) as store:
        store.put("key", b"value")
        assert store.get("key") == b"value"
    tokens = {request.headers["authorization"] for request in proxy.requests}
    assert tokens == {"Bearer of-the-machine"}
    assert not any("universe" in path for path in machine.asked)


def test_silent_machine_is_waited_for(
    proxy: Proxy, machine: Machine, bucket: str
) -> None:
    machine.failures = 3
    with GoogleCloudStore(of_machine(), bucket) as store:
        store.put("key", b"value")
        assert store.get("key") == b"value"
    assert len(machine.asked) == 5
    assert proxy.methods == ["POST", "GET"]


def _outages(store: GoogleCloudStore) -> list[str]:
    """Return what three threads are told that get a value at the same time."""

    def get(_: int) -> str:
        with pytest.raises(StoreUnavailable) as caught:
            store.get("key")
        return str(caught.value)

    return together(3, get)


def test_machine_that_is_gone_is_told_in_time(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", f"{HOST}:{port}")
    store = GoogleCloudStore(of_machine(), "bucket", timeout=0.5)
    started = time.monotonic()
    assert all("gives out tokens" in told for told in _outages(store))
    # google-auth alone takes half a minute.
    assert time.monotonic() - started < 10
    store.close()
    assert machine.asked == []


def test_default_credentials_are_looked_for_once_by_all_who_wait(
    machine: Machine,
) -> None:
    machine.failures = 1000
    store = GoogleCloudStore(None, "bucket", timeout=0.5)
    started = time.monotonic()
    assert all("this machine" in told for told in _outages(store))
    assert time.monotonic() - started < 10
    assert len(machine.asked) == 1
    machine.failures = 0
    assert store.url_for("key")
    store.close()


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _is_signed(url: str, machine: Machine) -> bool:
    signature = bytes.fromhex(_query(url)["X-Goog-Signature"])
    payload = base64.b64decode(machine.signed[-1]["payload"])
    private_key().public_key().verify(signature, payload, PKCS1v15(), SHA256())
    return payload.startswith(b"GOOG4-RSA-SHA256\n")


def test_machine_has_its_urls_signed(machine: Machine) -> None:
    with GoogleCloudStore(of_machine(), "bucket") as store:
        urls = [store.url_for("key"), store.url_for("key", method="PUT")]
    assert urls[0].startswith("https://storage.googleapis.com/bucket/key?")
    assert all(_is_signed(url, machine) for url in urls[1:])
    assert _query(urls[0])["X-Goog-Credential"].startswith(f"{EMAIL}/")
    path = f"/v1/projects/-/serviceAccounts/{EMAIL}:signBlob"
    assert machine.asked.count(path) == 2
    assert not any("universe" in path for path in machine.asked)


def _impersonated() -> Any:
    scopes = ["https://www.googleapis.com/auth/devstorage.read_write"]
    kind: Any = impersonated_credentials.Credentials
    return kind(of_user(), OTHER, scopes, delegates=[EMAIL])


def test_impersonated_account_has_its_urls_signed(machine: Machine) -> None:
    with GoogleCloudStore(_impersonated(), "bucket") as store:
        url = store.url_for("key")
    assert _is_signed(url, machine)
    assert _query(url)["X-Goog-Credential"].startswith(f"{OTHER}/")
    assert machine.signed[0]["delegates"] == [EMAIL]


@pytest.mark.parametrize("is_machine", [True, False])
def test_signature_that_is_refused_names_the_permission(
    machine: Machine, is_machine: bool
) -> None:
    machine.refusal = json.dumps(
        {"error": {"code": 403, "message": "Permission denied on resource"}}
    ).encode()
    given = of_machine() if is_machine else _impersonated()
    with (
        GoogleCloudStore(given, "bucket") as store,
        pytest.raises(AccessDenied, match=r"iam\.serviceAccounts\.signBlob"),
    ):
        store.url_for("key")


@pytest.mark.parametrize("is_machine", [True, False])
def test_iam_that_cannot_be_reached_is_an_outage(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, is_machine: bool
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("https_proxy", f"http://{HOST}:{port}")
    given = of_machine() if is_machine else _impersonated()
    with (
        GoogleCloudStore(given, "bucket", timeout=0.5) as store,
        pytest.raises(StoreUnavailable, match="and signatures cannot be reached"),
    ):
        store.url_for("key")
    assert not machine.signed
