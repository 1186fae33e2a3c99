"""Signatures of accounts whose key is with Google: on its machines, or impersonated."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

from google.auth.credentials import Credentials, Signing

from minimalkv.net._asked import Broken
from minimalkv.net._gcs_errors import Refused, message_in
from minimalkv.net._gcs_tokens import TokenRequest

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_HEADERS: Final = {"Content-Type": "application/json"}


def remote_signer(
    credentials: Credentials, asking: Callable[[], TokenRequest]
) -> Signing | None:
    """Return what signs for credentials that have no private key, if anything does.

    Parameters
    ----------
    credentials : google.auth.credentials.Credentials
        Who signs.
    asking : callable
        Makes what sends the requests of one call.
    """
    # They take as long as ten requests to load, and few stores make URLs so.
    from google.auth import compute_engine, impersonated_credentials

    signer: Any = credentials
    if isinstance(credentials, compute_engine.Credentials):
        return _RemoteSigner(signer.with_scopes([_SCOPE]), asking)
    if isinstance(credentials, impersonated_credentials.Credentials):
        # Its own way to sign knows no timeout.
        source, email = signer._source_credentials, signer.signer_email
        return _RemoteSigner(source, asking, email, signer._delegates)
    return None


class _RemoteSigner(Signing):
    """Signs as an account, with the method signBlob of Google's IAM.

    Parameters
    ----------
    credentials : google.auth.credentials.Credentials
        Who asks for the signature.
    asking : callable
        Makes what sends the requests of one call.
    email : str or None
        The account; None stands for that of *credentials*, of a machine.
    delegates : list of str or None
        The accounts in between.
    """

    def __init__(
        self,
        credentials: Any,
        asking: Callable[[], TokenRequest],
        email: str | None = None,
        delegates: list[str] | None = None,
    ) -> None:
        self._credentials = credentials
        self._asking = asking
        self._email = email
        self._delegates = delegates

    @property
    def signer(self) -> Any:
        return self

    @property
    def signer_email(self) -> str:
        if self._email is None:
            # A machine knows who it is once it has a token.
            self._credentials.refresh(self._asking())
            self._email = str(self._credentials.service_account_email)
        return self._email

    def sign_bytes(self, message: bytes) -> bytes:
        ask = self._asking()
        domain = self._credentials.universe_domain
        url = (
            f"https://iamcredentials.{domain}/v1/projects/-/serviceAccounts/"
            f"{self.signer_email}:signBlob"
        )
        headers = dict(_HEADERS)
        self._credentials.before_request(ask, "POST", url, headers)
        wanted: dict[str, Any] = {"payload": b64encode(message).decode()}
        if self._delegates:
            wanted["delegates"] = self._delegates
        body = json.dumps(wanted).encode()
        response = ask(url=url, method="POST", body=body, headers=headers)
        if response.status != 200:
            raise Refused(response.status, message_in(response.data))
        return _signature_in(response.data)


def _signature_in(text: bytes) -> bytes:
    try:
        return b64decode(json.loads(text)["signedBlob"])
    except (ValueError, LookupError, TypeError):
        raise Broken("sent no signature") from None
