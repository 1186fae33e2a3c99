"""The clients of the SDK: made when they are needed, and one in each process."""

import logging
import os
import re
from threading import Lock
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient
from requests import Session

from minimalkv._errors import InvalidArgument, MissingExtra
from minimalkv._fork import tell_after_fork
from minimalkv.net._azure_settings import Settings
from minimalkv.net._http import SEND_BYTES, new_session, use_proxies

_KEPT_CONNECTIONS: Final = 10
_SIGNATURE: Final = re.compile(r"\bsig=[^&\s\"']*")


class Client(NamedTuple):
    """The way of one process to a container.

    Attributes
    ----------
    service, container : BlobServiceClient and ContainerClient
        The clients of the SDK.
    pipeline : Pipeline
        What sends a request, signed; it does not repeat any.
    session : Session
        What keeps the connections.
    server, url, token : str
        The server, the URL of the container, and what stands behind a question mark.
    credential : TokenCredential or None
        What gives tokens, where there is no key and no signature.
    delegated : dict
        The key that signs URLs then, once it was asked for, and when it ends.
    """

    service: BlobServiceClient
    container: ContainerClient
    pipeline: Any
    session: Session
    server: str
    url: str
    token: str
    credential: Any
    delegated: dict[str, Any]


class Connection:
    """The way of one store to Azure.

    A client that was used before a fork gives wrong answers in the child, so every
    process makes its own. Threads share it.

    Parameters
    ----------
    settings : Settings
        What the client is made of.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()
        self._client: Client | None = None
        self._pid = os.getpid()

    @property
    def client(self) -> Client:
        """The client of this process."""
        if self._pid != os.getpid():
            self._after_fork()
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or _make_client(self.settings)
        return client

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            # Not the SDK's own close: other threads may be amid a call.
            client.session.close()
            if client.credential is not None:
                client.credential.close()

    def __getstate__(self) -> Settings:
        return self.settings

    def __setstate__(self, settings: Settings) -> None:
        self.settings = settings
        self._after_fork()
        tell_after_fork(self)


def _make_client(settings: Settings) -> Client:
    session = new_session(max(_KEPT_CONNECTIONS, settings.max_connections))
    options = _options(settings, session)
    credential = None
    if settings.conn_string is None:
        credential = _default_credential()
        service = BlobServiceClient(settings.endpoint, credential, **options)
    else:
        service = _of_connection_string(settings.conn_string, options)
    use_proxies(session, service.url)
    container = service.get_container_client(settings.container)
    url, _, token = container.url.partition("?")
    # What the SDK signs and sends everything with. Its methods hold a value in memory,
    # or ask for it in pieces.
    pipeline = container._pipeline
    server = urlsplit(url).netloc
    if token:
        _hide_tokens()
    return Client(
        service, container, pipeline, session, server, url, token, credential, {}
    )


class _TokenFilter(logging.Filter):
    """Leaves the signatures of tokens out of records."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        record.msg, record.args = _SIGNATURE.sub("sig=***", text), None
        return True


_filter: Final = _TokenFilter()


def _hide_tokens() -> None:
    # These two write the URL of every request into the log, if they may.
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_filter)


def _options(settings: Settings, session: Session) -> dict[str, Any]:
    transport = RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=settings.connect_secs,
        read_timeout=settings.read_secs,
        connection_verify=session.verify,
        # Without it, answers are read byte by byte.
        connection_data_block_size=SEND_BYTES,
    )
    return {
        "transport": transport,
        "max_block_size": settings.block_bytes,
        "max_single_put_size": settings.single_put_bytes,
        # `Calls` repeats what may be repeated, and keeps the time.
        "retry_total": 0,
        "permit_redirects": False,
    }


def _of_connection_string(text: str, options: dict[str, Any]) -> BlobServiceClient:
    try:
        return BlobServiceClient.from_connection_string(text, **options)
    except ValueError:
        pass  # its message may have a part of the text, so of the key
    raise InvalidArgument(
        "conn_string is no connection string of a storage account, such as "
        "'AccountName=…;AccountKey=…'. The portal of the account shows it."
    )


def _default_credential() -> Any:
    try:
        # Only this one way to log in needs it, and it takes as long as the SDK.
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise MissingExtra(
            "The default credential of Azure needs azure-identity: pip install "
            "'minimalkv[azure]'"
        ) from error
    return DefaultAzureCredential()
