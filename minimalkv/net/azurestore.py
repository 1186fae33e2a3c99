"""Values in Azure Blob Storage."""

import time
from contextlib import suppress
from random import uniform
from typing import Any, Final, Self, Unpack

from minimalkv._errors import KeyNotFound, Unsupported
from minimalkv._key_value_store import KeyValueStore
from minimalkv._mixins import ConditionalMixin, CopyMixin, UrlMixin
from minimalkv._streams import Readable
from minimalkv.net._azure_body import put_headers
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_client import Connection
from minimalkv.net._azure_copy import copy_blob
from minimalkv.net._azure_errors import DELETE, BlocksLost
from minimalkv.net._azure_many import delete_blobs
from minimalkv.net._azure_names import LONGEST_NAME, to_name
from minimalkv.net._azure_reading import AzureReader, match
from minimalkv.net._azure_settings import (
    MAX_BLOCK_BYTES,
    MAX_SINGLE_PUT_BYTES,
    AzureOptions,
    Pair,
    Settings,
    checked,
    conn_string_of,
    endpoint_of,
    holds_key,
    waits_of,
)
from minimalkv.net._azure_upload import BlockSink, Upload
from minimalkv.net._azure_urls import plain_url, signed_url
from minimalkv.net._places import check_name
from minimalkv.net._presigned import EXPIRES_SECS

__all__ = ["AzureBlockBlobStore"]

_URL_CONNECTIONS: Final = 4
_MAX_ROUNDS: Final = 20
_PAUSE_SECS: Final = 0.2


class AzureBlockBlobStore(AzureReader, UrlMixin, CopyMixin, ConditionalMixin):
    r"""Store values as block blobs in a container, raw, so that others can use them.

    Nothing connects before the first call. Values of any size stream: what is larger
    than a block is sent in blocks, several at a time. Blocks of an upload that was
    given up, or of a process that died, are seen by nobody, and Azure drops them when a
    value is stored under the key, or after a week.

    While one writer sends blocks for a key, another may store a value under it, and
    then Azure drops those blocks. An upload out of bytes, or out of a file that can
    seek, begins again; any other is a `StoreError` that says so.

    A backslash in a key is written as ``;5C`` in the blob's name, and a dot at the end,
    or before a slash, as ``;2E``, since Azure takes the one for a slash and leaves out
    the other.

    Parameters
    ----------
    conn_string : str or None
        The connection string of the account, as its portal shows it. None: see
        *account_name*.
    container : str
        The name of the container.
    public : bool
        Whether anybody may read a container that is created, and list it. Then URLs
        are not signed, unless they are asked to expire.
    create_if_missing : bool
        Whether the first call that finds no container creates it.
    max_connections : int
        Requests of one call that are on their way at once: blocks of an upload, parts
        of a copy, keys of `get_many` and `put_many`. One block more is in memory.
    max_block_size : int or None
        Bytes of a block, 1 to 4000 MiB; None for 4 MiB. After the thousandth they
        double.
    max_single_put_size : int or None
        Bytes up to which `put` stores with one request, 1 to 5000 MiB; None for 64 MiB.
    checksum : bool
        Whether to send an MD5 with everything, so that Azure checks it on arrival and
        keeps it with the value, and to check by it what is read. True in URLs.
    socket_timeout : float, tuple of float, or None
        Seconds to wait for a connection and for an answer, or for either; None for
        *timeout*.
    account_name : str
        The account, where there is no *conn_string*.
    account_key : str
        Its key, or with *use_sas* a shared access signature. Without either the default
        credential of azure-identity is used.
    use_sas : bool
        Whether *account_key* is a shared access signature.
    default_endpoints_protocol : str
        ``https``, the default, or ``http``.
    blob_endpoint : str
        The URL or the host of the service, where it is not that of the public cloud.
    timeout : float
        Longest wait for the server, in seconds; 30 by default. A call that is repeated
        takes no longer, unless bytes keep coming.

    Raises
    ------
    InvalidArgument
        If the container or the account is missing, a number is out of its range, or
        settings contradict each other.

    Examples
    --------
    >>> from minimalkv.net.azurestore import AzureBlockBlobStore
    >>> AzureBlockBlobStore(container="photos", account_name="me", account_key="a2V5")
    <AzureBlockBlobStore 'photos'>
    """

    headers_support = True
    put_url_headers: Final = {"x-ms-blob-type": "BlockBlob"}
    """What the sender to a signed URL for PUT has to send, too."""
    _reads_seed_keys = True
    _backend_max_key = LONGEST_NAME

    def __init__(
        self,
        conn_string: str | None = None,
        container: str | None = None,
        public: bool = False,
        create_if_missing: bool = True,
        max_connections: int = 2,
        max_block_size: int | None = None,
        max_single_put_size: int | None = None,
        checksum: bool = False,
        socket_timeout: float | Pair | None = None,
        **account: Unpack[AzureOptions],
    ) -> None:
        self.container = check_name(container, "container", "container")
        self.public = public
        self.create_if_missing = create_if_missing
        self.max_connections: int = checked("max_connections", max_connections)
        self.max_block_size: int | None = checked("max_block_size", max_block_size)
        self.max_single_put_size: int | None = checked(
            "max_single_put_size", max_single_put_size
        )
        self.checksum = checksum
        self.socket_timeout: float | Pair | None = checked(
            "socket_timeout", socket_timeout
        )
        settings = self._settings(conn_string or conn_string_of(account), account)
        self.url_support = settings.can_sign
        self._largest_put_bytes = settings.single_put_bytes
        self._calls = Calls(
            Connection(settings), create=create_if_missing, public=public
        )

    def _settings(self, text: str | None, account: AzureOptions) -> Settings:
        timeout = checked("timeout", account.get("timeout"))
        waits = waits_of(timeout, self.socket_timeout)
        return Settings(
            container=self.container,
            conn_string=text,
            account_name=(account.get("account_name") or "") if text is None else "",
            endpoint=endpoint_of(account) if text is None else "",
            can_sign=text is None or holds_key(text),
            connect_secs=waits[0],
            read_secs=waits[1],
            timeout=waits[2],
            max_connections=self.max_connections,
            block_bytes=self.max_block_size or MAX_BLOCK_BYTES,
            single_put_bytes=self.max_single_put_size or MAX_SINGLE_PUT_BYTES,
        )

    @classmethod
    def _from_params(
        cls, *, connection_string: str | None = None, **params: Any
    ) -> Self:
        usual = {"checksum": True, "max_connections": _URL_CONNECTIONS}
        return cls(connection_string, **{**usual, **params})

    @property
    def conn_string(self) -> str | None:
        """The connection string, with its secret; None for the default credential."""
        return self._calls.connection.settings.conn_string

    @property
    def blob_container_client(self) -> Any:
        """The client of the SDK, for what is no business of a store."""
        return self._calls.connection.client.container

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.container!r}>"

    @property
    def _workers(self) -> int:
        return self.max_connections

    # Writing.

    def _upload(
        self,
        key: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        **described: Any,
    ) -> Upload:
        return Upload(
            self._calls,
            key,
            to_name(key),
            headers=put_headers(key, **described),
            conditions={"If-None-Match": "*"} if if_absent else match(key, if_match),
            checksum=self.checksum,
        )

    def _sink(self, key: str, **options: Any) -> BlockSink:
        settings = self._calls.connection.settings
        upload = self._upload(key, **options)
        return BlockSink(upload, settings.block_bytes, settings.max_connections)

    def _put_file(self, key: str, file: Readable, **options: Any) -> str:
        start = _position(file)
        for left in reversed(range(_MAX_ROUNDS)):
            try:
                return super()._put_file(key, file, **options)
            except BlocksLost:
                if start is None or not left:
                    raise
            # Of many who begin again at once, one at a time gets through.
            time.sleep(uniform(0, _PAUSE_SECS))  # noqa: S311 - jitter is no secret
            file.seek(start)  # type: ignore[attr-defined]  # `_position` has asked
        return key

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        conditions = match(key, if_match)
        with suppress(KeyNotFound):
            self._calls(DELETE, key, to_name(key), conditions=conditions)

    def _delete_many(self, keys: list[str]) -> None:
        delete_blobs(self._calls, {key: to_name(key) for key in keys})

    def _copy_object(self, source: str, dest: str) -> None:
        # Some servers that speak as Azure does copy nothing, or no part of a value.
        with suppress(Unsupported):
            copy_blob(self._calls, source, to_name(source), to_name(dest))
            return
        KeyValueStore._copy(self, source, dest)

    # URLs.

    def _url_for(
        self, key: str, *, expires: float | None = None, **options: Any
    ) -> str:
        if self.public and expires is None and not options:
            return plain_url(self._calls, to_name(key))
        lifetime = expires or EXPIRES_SECS
        return signed_url(self._calls, to_name(key), expires=lifetime, **options)


def _position(file: Any) -> int | None:
    """Return where a file stands that can go back to there, else None."""
    try:
        return file.tell() if file.seekable() else None
    except (AttributeError, OSError):
        return None
