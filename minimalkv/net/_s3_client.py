"""The clients of botocore: made when they are needed, and one in each process."""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import botocore
import botocore.loaders
import botocore.session
from botocore.config import Config

from minimalkv.net._connection import PerProcess
from minimalkv.net._pools import sturdy_pool
from minimalkv.net._s3_errors import FAILURES, set_up_failed
from minimalkv.net._s3_events import hook_into
from minimalkv.net._s3_roles import RoleProvider
from minimalkv.net._s3_settings import Settings, is_aws

_UNTRIED: Final = {"total_max_attempts": 1, "mode": "standard"}


class Connection(PerProcess[Settings, Any]):
    """The way of one store to S3."""

    @property
    def is_aws(self) -> bool:
        """Whether the server is Amazon's own."""
        # The client knows: a variable may name another server than the settings.
        return is_aws(self.client.meta.endpoint_url)

    @property
    def server(self) -> str:
        """Who answers, for messages."""
        made = self._client
        url = self.settings.endpoint_url if made is None else made.meta.endpoint_url
        return "AWS" if url is None or is_aws(url) else urlsplit(url).netloc

    @property
    def sends_crc(self) -> bool:
        """Whether bodies go with a CRC-32; else with an MD5, which is older."""
        config = self.client.meta.config
        wanted = getattr(config, "request_checksum_calculation", None)
        return bool(wanted != "when_required")

    def _make(self) -> Any:
        try:
            return _make_client(self.settings)
        except (*FAILURES, ValueError) as error:
            raise set_up_failed(error, self.server) from error

    def _close(self, client: Any) -> None:
        client.close()

    def __del__(self, _suppress: Any = suppress) -> None:
        # A client refers to itself, so it would keep its sockets until the next
        # collection of garbage. When a process ends, its modules lose their names.
        with _suppress(AttributeError):
            self.close()


def make_bucket_resource(connection: Connection, name: str) -> Any:
    """Return a bucket as a resource of boto3, with the settings of a store."""
    import boto3  # a store does without it

    session = new_session()
    _provide(session, _Given(connection.client._request_signer._credentials))
    arguments = _client_arguments(connection.settings)
    others = {k: v for k, v in arguments.items() if not k.startswith("aws_")}
    resource = boto3.Session(botocore_session=session).resource("s3", **others)
    return resource.Bucket(name)


@cache
def _loader() -> Any:
    # It remembers the description of S3, so a second client takes 4 ms, not 60.
    return botocore.loaders.create_loader()


def new_session() -> Any:
    """Make a session of botocore; it is no more than a bag of settings."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    return session


def _make_client(settings: Settings) -> Any:
    session = new_session()
    # Times are read where somebody wants to know them; guessing their format took a
    # tenth of a small request.
    factory = session.get_component("response_parser_factory")
    factory.set_parser_defaults(timestamp_parser=str)
    if settings.role is not None:
        _provide(session, RoleProvider(settings, new_session()))
    elif settings.given is not None:
        _provide(session, _Given(settings.given[0]))
    client = session.create_client("s3", **_client_arguments(settings))
    if settings.addressing == "virtual" and not is_aws(client.meta.endpoint_url):
        # A variable or a profile names another server, which may have one host name.
        pathwise = replace(settings, addressing="path")
        client = session.create_client("s3", **_client_arguments(pathwise))
    # All managers of the session share this dictionary, those of proxies too.
    pools = client._endpoint.http_session._pool_classes_by_scheme
    pools.update({scheme: sturdy_pool(pool) for scheme, pool in pools.items()})
    hook_into(client)
    return client


def _provide(session: Any, provider: object) -> None:
    session.register_component("credential_provider", provider)


class _Given:
    """Gives the credentials of a client that somebody else made."""

    def __init__(self, credentials: object) -> None:
        self._credentials = credentials

    def load_credentials(self) -> object:
        return self._credentials


def _client_arguments(settings: Settings) -> dict[str, Any]:
    arguments = {
        "endpoint_url": settings.endpoint_url,
        "region_name": settings.region_name,
        "verify": settings.verify,
        "config": _config(settings),
    }
    if settings.role is None:
        arguments |= {
            "aws_access_key_id": settings.access_key,
            "aws_secret_access_key": settings.secret_key,
            "aws_session_token": settings.session_token,
        }
    return arguments


def _config(settings: Settings) -> Any:
    base = Config() if settings.given is None else settings.given[1]
    own: dict[str, Any] = {
        "max_pool_connections": settings.max_connections,
        # `Calls` repeats what may be repeated, and keeps the time.
        "retries": _UNTRIED,
        # What is checked there was checked before, and it is a tenth of the time.
        "parameter_validation": False,
        # Made once; otherwise it is put together anew twice a request.
        "user_agent": f"minimalkv Botocore/{botocore.__version__}",
    }
    if settings.given is None or settings.timeout != base.read_timeout:
        own |= {"connect_timeout": settings.timeout, "read_timeout": settings.timeout}
    if base.signature_version is not botocore.UNSIGNED:
        own["signature_version"] = "s3v4"
    if settings.addressing is not None:
        own["s3"] = {"addressing_style": settings.addressing, **(base.s3 or {})}
    return base.merge(Config(**own))
