"""The clients of the SDK: made when they are needed, and one in each process."""

from base64 import b64decode
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient
from requests import Session

from minimalkv._errors import InvalidArgument, MissingExtra
from minimalkv.net._azure_settings import Settings, parts_of
from minimalkv.net._connection import PerProcess
from minimalkv.net._http import new_session, use_proxies
from minimalkv.net._logs import hide_secrets
from minimalkv.net._pieces import SEND_BYTES

_KEPT_CONNECTIONS: Final = 10


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


class Connection(PerProcess[Settings, Client]):
    """The way of one store to Azure."""

    def _make(self) -> Client:
        return _make_client(self.settings)

    def _close(self, client: Client) -> None:
        # Not the SDK's own close: other threads may be amid a call.
        client.session.close()
        if client.credential is not None:
            client.credential.close()


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
        hide_secrets()
    return Client(
        service, container, pipeline, session, server, url, token, credential, {}
    )


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
        service = BlobServiceClient.from_connection_string(text, **options)
    except ValueError:
        pass  # its message may have a part of the text, so of the key
    else:
        _check_key(text)
        return service
    raise InvalidArgument(
        "conn_string is no connection string of a storage account, such as "
        "'AccountName=…;AccountKey=…'. The portal of the account shows it."
    )


def _check_key(text: str) -> None:
    try:
        b64decode(parts_of(text).get("ACCOUNTKEY", ""))
    except ValueError:
        pass  # nothing that it raises goes along: it is about a secret
    else:
        return
    raise InvalidArgument(
        "The account key is no Base64, or not all of it. Copy it again from the portal "
        "of the account; in a URL it is percent-encoded (/ as %2F, + as %2B)."
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
