"""The way to the server: made when it is needed, and one in each process."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit

from google.auth.credentials import Credentials, Signing
from google.auth.transport.requests import Request
from requests import PreparedRequest, Response
from requests.utils import get_environ_proxies
from urllib3 import HTTPResponse

from minimalkv.net._connection import PerProcess
from minimalkv.net._gcs_remote import remote_signer
from minimalkv.net._gcs_settings import (
    EMULATOR,
    Settings,
    endpoint_of,
    identify,
    signer_of,
)
from minimalkv.net._gcs_tokens import TokenRequest
from minimalkv.net._http import SturdyAdapter, ca_bundle
from minimalkv.net._logs import hide_secrets

Body: TypeAlias = bytes | Iterable[bytes | memoryview] | None

_AGENT: Final = "minimalkv"


class _RawAdapter(SturdyAdapter):
    """Gives answers as they come from below; nobody here uses what requests adds."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        del req
        return cast("Response", resp)


class Link:
    """Connections to one server, with the credentials for it, of one process.

    It speaks to the documented JSON interface with what Google's own client stands on,
    google-auth and requests, but without what that adds to a request: a small one takes
    a third of the time.

    Parameters
    ----------
    settings : Settings
        What it is made of.

    Raises
    ------
    AccessDenied
        If there are no credentials, or unusable ones.
    StoreUnavailable
        If the machine's server of credentials does not answer in time.
    """

    def __init__(self, settings: Settings) -> None:
        self.is_emulated = bool(os.environ.get(EMULATOR))
        hide_secrets()
        self._token_request = Request()
        self.identity = identify(
            settings.credentials,
            TokenRequest(self._token_request, settings.timeout, repeats=False),
            emulated=self.is_emulated,
        )
        self.endpoint = endpoint_of(self.identity.credentials)
        self.server = urlsplit(self.endpoint).netloc
        self._adapter = _RawAdapter(settings.max_connections)
        # Once, not with every request: that takes a fifth of its time.
        self._proxies = dict(get_environ_proxies(self.endpoint))
        self._verify = ca_bundle()
        self._settings = settings
        self._signer: Credentials | Signing | None = None
        self._sdk_client: Any = None

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        timeout: float,
    ) -> HTTPResponse:
        """Send a request and return the answer, whose body is still to come.

        Parameters
        ----------
        method, url : str
            What to do, and to what.
        headers : mapping of str to str
            Among them Content-Length, where there is a body.
        body : Body
            Bytes, or an iterable that gives them as often as it is asked to.
        timeout : float
            Longest wait for the server, in seconds.

        Raises
        ------
        Exception
            What google-auth and requests raise.
        """
        sent = {"User-Agent": _AGENT, **headers}
        credentials: Any = self.identity.credentials
        credentials.before_request(self._asking(timeout), method, url, sent)
        request = PreparedRequest()
        request.method = method
        request.url = url
        request.headers = cast("Any", sent)
        request.body = cast("Any", body)
        response = self._adapter.send(
            request,
            stream=True,
            timeout=timeout,
            verify=self._verify,
            proxies=self._proxies,
        )
        return cast("HTTPResponse", response)

    def refresh(self, timeout: float) -> None:
        """Get a new token; the old one was refused."""
        credentials: Any = self.identity.credentials
        credentials.refresh(self._asking(timeout))

    def _asking(self, secs: float) -> TokenRequest:
        return TokenRequest(self._token_request, secs)

    @property
    def signer(self) -> Credentials | Signing:
        """The credentials that URLs are signed with, if they can be."""
        if self._signer is None:
            # To check its private key takes as long as a hundred requests, and an
            # emulator wants nothing else of it.
            signer = signer_of(self._settings.credentials, self.identity)
            asking = partial(self._asking, self._settings.timeout)
            self._signer = remote_signer(signer, asking) or signer
        return self._signer

    @property
    def project(self) -> str | None:
        """The project that was given, or that of the credentials."""
        return self._settings.project or self.identity.project

    @property
    def sdk_client(self) -> Any:
        """A client of google-cloud-storage for the same server and credentials."""
        if self._sdk_client is None:
            # A store does without it, and it takes 0.2 s to load.
            from google.cloud.storage import (  # type: ignore[import-untyped]
                Client,  # which has no types
            )

            self._sdk_client = Client(
                project=self.project or "none",
                credentials=self.identity.credentials,
                client_options={"api_endpoint": self.endpoint},
            )
        return self._sdk_client

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self._adapter.close()
        self._token_request.session.close()
        if self._sdk_client is not None:
            self._sdk_client.close()


class Connection(PerProcess[Settings, Link]):
    """The way of one store to its server."""

    def _make(self) -> Link:
        return Link(self.settings)

    def _close(self, client: Link) -> None:
        client.close()
