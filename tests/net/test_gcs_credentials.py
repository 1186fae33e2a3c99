"""Who asks: the credentials of `GoogleCloudStore`, and what is said without them."""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.auth.compute_engine import _metadata
from google.auth.exceptions import RefreshError

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    StoreUnavailable,
    Unsupported,
    get_store,
    get_store_from_url,
)
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.net.backend import EMULATOR
from tests.net.gcs_account import account_json, anonymous
from tests.net.through_gcs import store_through
from tests.proxy import Answer, Proxy, Request

_URL_SAFE = str.maketrans("+/", "-_")


@pytest.fixture
def proxy(gcs_server: GCSServer) -> Iterator[Proxy]:
    with Proxy(gcs_server.port) as proxy:
        yield proxy


class Google(Answer):
    """Gives tokens, numbered, and takes only the newest one that is no longer old."""

    def __init__(self) -> None:
        super().__init__(b"")
        self.given = 0
        self.oldest = 1
        self.status = "200 OK"
        self.bucket = ""

    def take(self, request: Request) -> bool:
        if request.path == "/token":
            self.given += 1
            token = {"access_token": f"token-{self.given}", "expires_in": 3600}
            error = {"error": "invalid_grant", "error_description": "gone"}
            self._say(self.status, token if self.status == "200 OK" else error)
            return True
        token_number = int(request.headers["authorization"].rpartition("-")[2])
        self._say("401 No", {"error": {"message": "Invalid Credentials"}})
        return token_number < self.oldest

    def _say(self, status: str, body: dict[str, Any]) -> None:
        text = json.dumps(body)
        kind = "Content-Type: application/json"
        head = f"HTTP/1.1 {status}\r\n{kind}\r\nContent-Length: {len(text)}\r\n\r\n"
        self.reply = (head + text).encode()


@pytest.fixture
def google(
    gcs_server: GCSServer, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> Google:
    """Return what makes the proxy a Google that wants to know who asks."""
    monkeypatch.delenv(EMULATOR)
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", f"http://{HOST}:{proxy.port}")
    proxy.fault = google = Google()
    google.bucket = gcs_server.namespace(gcs_server.url())
    return google


def test_token_is_got_once_and_again_when_it_is_refused(
    google: Google, proxy: Proxy
) -> None:
    with GoogleCloudStore(account_json(proxy.port), google.bucket) as store:
        store.put("key", b"value")
        assert store.get("key") == b"value"
        assert google.given == 1
        tokens = {request.headers.get("authorization") for request in proxy.requests}
        assert tokens == {None, "Bearer token-1"}
        google.oldest = 2
        assert store.add("new", b"value") is True
        assert google.given == 2
        google.oldest = 99
        with pytest.raises(AccessDenied, match="refuses the credentials"):
            store.get("key")


def test_token_that_is_not_given_is_explained(google: Google, proxy: Proxy) -> None:
    google.status = "400 Bad Request"
    with (
        GoogleCloudStore(account_json(proxy.port), "with-tokens") as store,
        pytest.raises(AccessDenied, match=r"no token.*invalid_grant") as caught,
    ):
        store.get("key")
    assert isinstance(caught.value.__cause__, RefreshError)
    assert "PRIVATE" not in f"{caught.value} {caught.value.__cause__!r}"
    proxy.fault = None


def test_nobody_who_gives_tokens_is_an_outage(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    del google
    monkeypatch.setattr("time.sleep", lambda _: None)
    with (
        GoogleCloudStore(account_json(), "with-tokens", timeout=0.5) as store,
        pytest.raises(StoreUnavailable, match=r"tokens.*Nothing was written"),
    ):
        store.put("key", b"value")


def test_json_is_taken_in_every_form(
    google: Google, proxy: Proxy, tmp_path: Path
) -> None:
    text = account_json(proxy.port)
    path, marked = tmp_path / "account.json", tmp_path / "marked"
    path.write_bytes(text)
    marked.write_text(f"\ufeff{text.decode()}")
    encoded = base64.b64encode(text).decode()
    in_text = (text, text.decode(), f"\ufeff{text.decode()}")
    in_base64 = (encoded, encoded.rstrip("="), encoded.translate(_URL_SAFE).encode())
    in_files = (path, str(path), marked)
    for given in (*in_text, *in_base64, *in_files, json.loads(text)):
        with GoogleCloudStore(given, google.bucket) as store:
            assert store.project_name == "test-project"
            store.put("key", b"value")
            assert store.get("key") == b"value"
    assert google.given == 10


def test_default_credentials_are_found(
    google: Google, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account.json"
    path.write_bytes(account_json(proxy.port))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    for store in (
        GoogleCloudStore(None, google.bucket),
        get_store_from_url(f"gcs://{google.bucket}"),
        get_store("gcs", bucket_name=google.bucket),
    ):
        with store:
            store.put("key", b"value")
    assert google.given == 3


def test_missing_default_credentials_are_explained(
    google: Google, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del google
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GCLOUD_", "CLOUDSDK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)
    store = get_store_from_url("gcs://bucket")
    with pytest.raises(AccessDenied, match="GOOGLE_APPLICATION_CREDENTIALS names"):
        store.get("key")


@pytest.mark.parametrize(
    "given",
    [
        "/no/such/file.json",
        "{}",
        b"[]",
        b"{",
        {"type": "external_account"},
        {"type": "external_account", "credential_source": 5},
        {"type": "impersonated_service_account", "source_credentials": {}},
        {"type": "of nobody"},
        {"type": ["service_account"]},
        {"type": "service_account", "private_key": "s3cr3t"},
        {**json.loads(account_json()), "private_key": "s3cr3t"},
        {"type": "authorized_user", "client_secret": "s3cr3t"},
    ],
)
def test_unusable_credentials_are_explained(
    google: Google, given: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    del google
    with GoogleCloudStore(given, "bucket") as store:
        with pytest.raises(AccessDenied, match="service account") as caught:
            store.get("key")
        assert "s3cr3t" not in f"{caught.value!r} {caught.value.__cause__!r}"
        monkeypatch.setenv(EMULATOR, "http://127.0.0.1:9")
        store.close()
        with pytest.raises(AccessDenied, match="service account"):
            store.url_for("key")


def test_user_is_authorized(google: Google, proxy: Proxy) -> None:
    user = {
        "type": "authorized_user",
        "client_id": "id",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "token": "token-5",
        "expiry": "2099-01-01T00:00:00Z",
    }
    with GoogleCloudStore(user, google.bucket, project="x") as store:
        store.put("key", b"value")
        assert proxy.requests[0].headers["authorization"] == "Bearer token-5"
        assert google.given == 0
        with pytest.raises(Unsupported, match="cannot sign"):
            store.url_for("key")


def test_identity_of_another_cloud_is_taken(
    google: Google, proxy: Proxy, tmp_path: Path
) -> None:
    subject = tmp_path / "subject"
    subject.write_text("who I am")
    federated = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentity"
        "Pools/pool/providers/provider",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"http://{HOST}:{proxy.port}/token",
        "credential_source": {"file": str(subject)},
    }
    with GoogleCloudStore(federated, google.bucket) as store:
        store.put("key", b"value")
    assert google.given == 1
    with_token = [r.headers.get("authorization") for r in proxy.requests]
    assert with_token[-1] == "Bearer token-1"


@pytest.mark.parametrize(
    "given",
    [
        base64.b64encode(b'{"private_key": "s3cr3t", ').decode(),
        "\ufeff{'private_key': 's3cr3t'",
        "ya29.a0s3cr3t",
        "s3cr3t" * 1000,
        "s3\0cr3t",
    ],
)
def test_secret_in_the_place_of_credentials_is_not_shown(
    google: Google, given: str
) -> None:
    with (
        GoogleCloudStore(given, google.bucket) as store,
        pytest.raises(AccessDenied, match="service account") as caught,
    ):
        store.get("key")
    told: BaseException | None = caught.value
    while told is not None:
        assert given[:20] not in f"{told} {told!r}"
        told = told.__cause__ or told.__context__


def test_file_that_cannot_be_read_is_named(google: Google) -> None:
    with (
        GoogleCloudStore("/no/such/account.json", google.bucket) as store,
        pytest.raises(AccessDenied, match=r"/no/such/account\.json"),
    ):
        store.get("key")


def test_emulator_is_shown_no_credentials(gcs_server: GCSServer, proxy: Proxy) -> None:
    with store_through(gcs_server, proxy.port) as store:
        store.put("key", b"value")
        assert store.get("key") == b"value"
    assert all("authorization" not in request.headers for request in proxy.requests)
    assert {request.path for request in proxy.requests} != {"/token"}


def test_anonymous_store_reads_and_cannot_sign(gcs_server: GCSServer) -> None:
    name = gcs_server.namespace(gcs_server.url())
    for given in (None, anonymous()):
        with GoogleCloudStore(given, name) as store:
            store.put("key", b"value")
            assert store.get("key") == b"value"
            with pytest.raises(Unsupported, match="JSON of a service account"):
                store.url_for("key")


@pytest.mark.parametrize("given", [5, object(), ["a"], True])
def test_what_are_no_credentials_is_refused(given: Any) -> None:
    with pytest.raises(InvalidArgument, match="credentials are"):
        GoogleCloudStore(given, "bucket")
