"""Azurite behind TLS that takes tokens, and a machine that is logged in."""

import base64
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from azure.storage.blob import BlobServiceClient

from tests.backends.azure import AzureServer

_HOUR_SECS = 3600
_CLAIMS = {
    "aud": "https://storage.azure.com",
    "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000001/",
    "oid": "00000000-0000-0000-0000-000000000002",
    "tid": "00000000-0000-0000-0000-000000000001",
}


class SecureAzure(AzureServer):
    """Azurite with a certificate, which looks at the claims of a token only."""

    name = "azurite"
    """Another name that the certificate is for; nobody knows its address."""

    @property
    def ca_file(self) -> str:
        """The authority that signed the certificate."""
        return str(self.folder / "ca.pem")

    def _command(self, folder: Path) -> list[str]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert(self.host, self.name)
        cert, key = folder / "cert.pem", folder / "key.pem"
        certificate.cert_chain_pems[0].write_to_path(str(cert))
        certificate.private_key_pem.write_to_path(str(key))
        tls = ["--cert", str(cert), "--key", str(key), "--oauth", "basic"]
        return [*super()._command(folder), *tls]

    @property
    def endpoint(self) -> str:
        return super().endpoint.replace("http:", "https:")

    @contextmanager
    def client(self, url: str = "") -> Iterator[BlobServiceClient]:
        del url
        options: Any = {"retry_total": 0, "connection_verify": self.ca_file}
        string = self.connection_string
        with BlobServiceClient.from_connection_string(string, **options) as client:
            yield client


def token() -> str:
    """Make a token of Entra, but for its signature."""
    now = int(time.time())
    claims = _CLAIMS | {"iat": now, "nbf": now - 60, "exp": now + _HOUR_SECS}
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()) for p in parts]
    return b".".join([*encoded, b"c2ln"]).replace(b"=", b"").decode()


def log_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str = "") -> str:
    """Let the program ``az``, which gives tokens to those who are logged in, be there.

    Returns
    -------
    str
        The token that it gives.
    """
    given = token()
    expires = int(time.time()) + _HOUR_SECS
    answer = {"accessToken": given, "expires_on": expires, "tokenType": "Bearer"}
    program = folder / "az"
    lines = ["#!/bin/sh", script or f"echo '{json.dumps(answer)}'", ""]
    program.write_text("\n".join(lines))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    # The other ways to find a credential ask the network first.
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")
    return given
