"""Values in Google Cloud Storage."""

from collections.abc import Mapping
from typing import Any, Self

from minimalkv._errors import AccessDenied, KeyNotFound
from minimalkv._mixins import ConditionalMixin, CopyMixin, UrlMixin
from minimalkv.net._gcs_calls import Ask, Bucket, Calls, drained
from minimalkv.net._gcs_client import Connection
from minimalkv.net._gcs_copy import copy_object
from minimalkv.net._gcs_many import delete_objects
from minimalkv.net._gcs_reading import LONGEST_NAME, GCSReader, condition
from minimalkv.net._gcs_settings import (
    MAX_CONNECTIONS,
    TIMEOUT_SECS,
    project_in,
    read_info,
    settings_of,
)
from minimalkv.net._gcs_upload import Upload, UploadSink, resource_of
from minimalkv.net._gcs_urls import presign
from minimalkv.net._places import check_name

__all__ = ["GoogleCloudStore"]


class GoogleCloudStore(GCSReader, UrlMixin, CopyMixin, ConditionalMixin):
    """Store values as objects in a bucket of Google, raw, so that others can use them.

    Nothing connects before the first call. Values of any size stream; larger ones than
    8 MiB are sent in as many requests. Every value is checked on its way there, and
    back if it is read whole; of a part only its place, length and version are known. An
    emulator is used where ``STORAGE_EMULATOR_HOST`` names one.

    An etag is the generation of the object. Google takes about one write a second of
    one key, and lets others wait; it tells nobody a Cache-Control or
    Content-Disposition along with a value, so the ``headers`` that `get_with_meta` and
    `stream` return are asked for, with a request of their own, when they are looked at.

    Parameters
    ----------
    credentials : str, os.PathLike, bytes, mapping, google.auth Credentials or None
        The path of a JSON file, as that of a service account, or what is in it, or an
        object. None stands for Application Default Credentials, and for none at all on
        an emulator.
    bucket_name : str
        The name of the bucket.
    create_if_missing : bool
        Whether the first call that finds no bucket creates it; true by default.
    bucket_creation_location : str or None
        Where it is created. None leaves it to Google.
    project : str or None
        The project that it is created in; else that of the credentials.
    timeout : float
        Longest wait for the server, in seconds; 30 by default. A call that is repeated
        takes no longer, unless bytes keep coming.
    max_connections : int
        Connections that are kept open; 10 by default.

    Attributes
    ----------
    bucket_name, create_if_missing, bucket_creation_location
        As they were given.

    Raises
    ------
    InvalidArgument
        If *credentials* or *bucket_name* is something else.

    Examples
    --------
    >>> from minimalkv.net.gcstore import GoogleCloudStore
    >>> GoogleCloudStore("service-account.json", "my-bucket")
    <GoogleCloudStore 'my-bucket'>
    """

    headers_support = True
    _reads_seed_keys = True
    _backend_max_key = LONGEST_NAME

    def __init__(
        self,
        credentials: Any,
        bucket_name: str,
        create_if_missing: bool = True,
        bucket_creation_location: str | None = "EUROPE-WEST3",
        project: str | None = None,
        *,
        timeout: float = TIMEOUT_SECS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.bucket_name = check_name(bucket_name, "bucket_name", "bucket")
        self.create_if_missing = create_if_missing
        self.bucket_creation_location = bucket_creation_location
        settings = settings_of(credentials, project, timeout, max_connections)
        bucket = Bucket(bucket_name, create_if_missing, bucket_creation_location)
        self._calls = Calls(Connection(settings), bucket)

    @classmethod
    def _from_params(cls, *, bucket_name: str, **params: Any) -> Self:
        return cls(params.pop("credentials", None), bucket_name, **params)

    @property
    def project_name(self) -> str | None:
        """The project that was given, or that the JSON of the credentials names."""
        settings = self._calls.connection.settings
        given = settings.credentials
        if settings.project or not isinstance(given, str | bytes | Mapping):
            return settings.project
        try:
            return project_in(read_info(given))
        except AccessDenied:
            return None

    @property
    def bucket(self) -> Any:
        """The bucket of google-cloud-storage, for what is no business of a store."""
        client = self._calls.connection.client.sdk_client
        return client.bucket(self.bucket_name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bucket_name!r}>"

    # Writing.

    def _upload(
        self,
        key: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        **described: Any,
    ) -> Upload:
        resource = resource_of(key, **described)
        if if_absent:
            return Upload(self._calls, key, resource, "absent", "&ifGenerationMatch=0")
        kind = "" if if_match is None else "match"
        return Upload(self._calls, key, resource, kind, condition(key, if_match))

    def _sink(self, key: str, **options: Any) -> UploadSink:
        return UploadSink(self._upload(key, **options))

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        query = condition(key, if_match).replace("&", "?")
        kind = "" if if_match is None else "match"
        ask = Ask("delete", "DELETE", self._path(key) + query, key, condition=kind)
        try:
            self._calls(ask._replace(once=bool(kind)), drained)
        except KeyNotFound:
            return

    def _delete_many(self, keys: list[str]) -> None:
        delete_objects(self._calls, keys, self._delete, self._workers)

    def _copy_object(self, source: str, dest: str) -> None:
        copy_object(self._calls, source, dest)

    # URLs.

    def _url_for(self, key: str, **options: Any) -> str:
        return presign(self._calls, key, **options)
