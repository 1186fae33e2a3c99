"""A machine of Google's: the server of its credentials, and the IAM that it reaches.

Both are scripted, on loopback. What goes to Google itself by HTTPS comes here as to a
proxy, with a certificate of an authority of its own.
"""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from google.auth import compute_engine
from google.auth.compute_engine import _metadata
from google.oauth2.credentials import Credentials as UserCredentials

from tests.backends.process import HOST
from tests.net.gcs_account import EMAIL, private_key

IAM = "iamcredentials.googleapis.com"
_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"


class Machine(ThreadingHTTPServer):
    """The servers.

    Attributes
    ----------
    asked : list of str
        The paths that the servers of the credentials and of the IAM were asked for.
    failures : int
        How many requests are answered 503 before it gets better.
    refusal : bytes
        What the IAM answers in the place of a signature, with a 403.
    signed : list of dict
        What the IAM was asked to sign.
    """

    daemon_threads = True

    def __init__(self, ca: trustme.CA) -> None:
        super().__init__((HOST, 0), _Handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(IAM).configure_cert(self.context)
        self.asked: list[str] = []
        self.failures = 0
        self.refusal = b""
        self.signed: list[dict[str, Any]] = []

    @property
    def address(self) -> str:
        return f"{HOST}:{self.server_port}"

    def answer(self, path: str) -> Any:
        """Return what the server of the credentials knows."""
        return {
            "/": {},
            "/computeMetadata/v1/project/project-id": "test-project",
            f"{_ACCOUNT}?recursive=true": {"email": EMAIL, "scopes": ["a", "b"]},
        }.get(path, {"access_token": "of-the-machine", "expires_in": 3600})

    def sign(self, wanted: dict[str, Any]) -> dict[str, str]:
        """Sign as the IAM does it."""
        self.signed.append(wanted)
        payload = base64.b64decode(wanted["payload"])
        signature = private_key().sign(payload, PKCS1v15(), SHA256())
        return {"signedBlob": base64.b64encode(signature).decode()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    @property
    def machine(self) -> Machine:
        return cast("Machine", self.server)

    def do_GET(self) -> None:
        if self.path.startswith("/computeMetadata/"):
            self.machine.asked.append(self.path)
            if self.machine.failures:
                self.machine.failures -= 1
                self._say(503, b"")
                return
        found = self.machine.answer(self.path)
        kind = "text/plain" if isinstance(found, str) else "application/json"
        text = found if isinstance(found, str) else json.dumps(found)
        self._say(200, text.encode(), kind)

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = False
        self.connection = self.machine.context.wrap_socket(
            self.connection, server_side=True
        )
        self.rfile = self.connection.makefile("rb")
        self.wfile = cast("Any", self.connection.makefile("wb", 0))

    def do_POST(self) -> None:
        self.machine.asked.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.machine.refusal:
            self._say(403, self.machine.refusal)
        else:
            self._say(200, json.dumps(self.machine.sign(body)).encode())

    def _say(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def of_machine() -> Any:
    """Return the credentials that a machine has."""
    return compute_engine.Credentials()  # type: ignore[no-untyped-call]  # no types


def of_user() -> Any:
    """Return the credentials of somebody."""
    return UserCredentials("token")  # type: ignore[no-untyped-call]  # no types


@contextmanager
def on_machine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Let this process be on a machine of Google's."""
    ca = trustme.CA()
    ca_file = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    machine = Machine(ca)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_file))
    monkeypatch.setenv("https_proxy", f"http://{machine.address}")
    monkeypatch.setenv("no_proxy", HOST)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(folder))
    monkeypatch.setenv("GCE_METADATA_IP", machine.address)
    # These were read from the environment when google-auth was loaded.
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", False)
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", machine.address)
    thread = Thread(target=machine.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield machine
    finally:
        machine.shutdown()
        machine.server_close()
        thread.join()
