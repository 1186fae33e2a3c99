"""The clients of botocore: made when they are needed, and one in each process."""

import io
import os
from contextlib import suppress
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import Any, Final

import botocore
import botocore.loaders
import botocore.session
from botocore.config import Config

from minimalkv._fork import tell_after_fork
from minimalkv.net._s3_roles import RoleProvider
from minimalkv.net._s3_settings import Settings, is_aws

_SENT_AT_ONCE_BYTES: Final = 256 * 1024
_EMPTY_PAGE: Final = b"<ListBucketResult/>"
_CHECKSUM: Final = {
    "algorithm": "crc32",
    "in": "header",
    "name": "x-amz-checksum-crc32",
}
_UNTRIED: Final = {"total_max_attempts": 1, "mode": "standard"}


class Connection:
    """The way of one store to S3.

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
        self._client: Any = None
        self._is_aws: bool | None = None
        self._pid = os.getpid()

    @property
    def client(self) -> Any:
        """The client of this process."""
        if self._pid != os.getpid():
            self._after_fork()
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or _make_client(self.settings)
        return client

    @property
    def is_aws(self) -> bool:
        """Whether the server is Amazon's own."""
        if self._is_aws is None:
            # The client knows: a variable may name another server than the settings.
            self._is_aws = is_aws(self.client.meta.endpoint_url)
        return self._is_aws

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def __del__(self) -> None:
        # A client refers to itself, so it would keep its sockets until the next
        # collection of garbage.
        with suppress(AttributeError):
            self.close()

    def __getstate__(self) -> Settings:
        return self.settings

    def __setstate__(self, settings: Settings) -> None:
        self.settings = settings
        self._after_fork()
        tell_after_fork(self)


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
    events = client.meta.events
    events.register_first("before-parse.s3.ListObjectsV2", _keep_page)
    events.register_last("before-call.s3", _send_at_once)
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
    own: dict[str, Any] = {
        "connect_timeout": settings.timeout,
        "read_timeout": settings.timeout,
        "max_pool_connections": settings.max_connections,
        # `Calls` repeats what may be repeated, and keeps the time.
        "retries": _UNTRIED,
        # What is checked there was checked before, and it is a tenth of the time.
        "parameter_validation": False,
        "signature_version": "s3v4",
        # Made once; otherwise it is put together anew twice a request.
        "user_agent": f"minimalkv Botocore/{botocore.__version__}",
    }
    base = Config() if settings.given is None else settings.given[1]
    if base.signature_version is botocore.UNSIGNED:
        del own["signature_version"]
    if settings.addressing is not None:
        own["s3"] = {"addressing_style": settings.addressing, **(base.s3 or {})}
    return base.merge(Config(**own))


def _keep_page(
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: object,
) -> None:
    """Take the page of a listing as it is: `parse_page` is four times as fast."""
    if response_dict["status_code"] == 200:
        customized_response_dict["Page"] = response_dict["body"]
        response_dict["body"] = _EMPTY_PAGE


def _send_at_once(params: dict[str, Any], **_: object) -> None:
    """Send a small body along with its headers, without waiting for a go-ahead.

    And tell the signer of the checksum that is there already: over HTTPS it saves the
    SHA-256 of the body then.
    """
    if _CHECKSUM["name"] in params["headers"]:
        params["context"]["checksum"] = {"request_algorithm": _CHECKSUM}
    body = params.get("body")
    if isinstance(body, io.BytesIO):
        data = body.getvalue()
        if len(data) <= _SENT_AT_ONCE_BYTES:
            params["body"] = data
            params["headers"].pop("Expect", None)
