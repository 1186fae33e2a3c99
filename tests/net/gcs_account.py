"""A service account that no server knows, but that signs URLs like any other."""

import base64
import json
from functools import cache

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from google.auth.credentials import AnonymousCredentials, Credentials

EMAIL = "tests@test-project.iam.gserviceaccount.com"


@cache
def private_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@cache
def account_json(port: int = 9) -> bytes:
    """Return the JSON of the account, with the port where it gets its tokens."""
    key = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "test-project",
            "private_key_id": "1",
            "private_key": key.decode(),
            "client_email": EMAIL,
            "token_uri": f"http://127.0.0.1:{port}/token",
        }
    ).encode()


def anonymous() -> Credentials:
    """Return the credentials of nobody."""
    return AnonymousCredentials()  # type: ignore[no-untyped-call]  # it has no types


def with_account(url: str) -> str:
    """Return a URL of a store with the account in it."""
    scheme, mark, rest = url.partition("://")
    encoded = base64.urlsafe_b64encode(account_json()).decode().rstrip("=")
    return f"{scheme}{mark}{encoded}@{rest}"
