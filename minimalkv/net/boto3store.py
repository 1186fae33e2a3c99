"""Values in S3: Amazon's, or that of any server that speaks it."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self, Unpack

from minimalkv._errors import InvalidArgument, KeyNotFound, Unsupported
from minimalkv._mixins import ConditionalMixin, CopyMixin, UrlMixin
from minimalkv.net._multipart import WORKERS, MultipartSink
from minimalkv.net._presigned import EXPIRES_SECS
from minimalkv.net._s3_body import put_parameters
from minimalkv.net._s3_bucket import Bucket
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_client import Connection, make_bucket_resource
from minimalkv.net._s3_copy import LARGEST_COPY_BYTES, copy_object
from minimalkv.net._s3_many import delete_objects
from minimalkv.net._s3_names import LONGEST_NAME
from minimalkv.net._s3_probe import require_conditions
from minimalkv.net._s3_reading import S3Reader, match
from minimalkv.net._s3_settings import S3Options, settings_of, split_role
from minimalkv.net._s3_upload import PART_BYTES, Upload
from minimalkv.net._s3_urls import plain_url, presign

__all__ = ["Boto3Store"]


class Boto3Store(S3Reader, UrlMixin, CopyMixin, ConditionalMixin):
    r"""Store values as objects in a bucket of S3, raw, so that others can use them.

    Nothing connects before the first call. Values of any size stream; from 5 MiB on
    they are sent in parts, several at a time. Every body is checked on its way, there
    and back.

    Writes on condition need a server that honours ``If-Match`` and ``If-None-Match``,
    as Amazon and SeaweedFS do. On any other server than Amazon's the first such put,
    delete and large upload of a process find out, with a few small requests. One that
    ignores conditions makes them `Unsupported`; where a copy has them, a large upload
    on condition has 5 GiB at most. A value that is stored with a
    key of KMS has an ``md5`` in listings that is none.

    Outside of Amazon a backslash in a key is written as ``;5C`` in the object's name,
    since some servers make a slash of it.

    Parameters
    ----------
    bucket : str or boto3 Bucket
        The name of the bucket, or a ``Bucket`` of ``boto3.resource("s3")``, from whose
        client the settings are taken. A store that is made of one does not pickle.
    prefix : str or None
        Deprecated: the old name of *object_prefix*.
    object_prefix : str
        Stands before every key, as it is written: no slash is added.
    url_valid_time : int
        Seconds that a URL is good for; 0 for an hour.
    reduced_redundancy : bool
        Whether to store with the class ``REDUCED_REDUNDANCY``.
    public : bool
        Whether anybody may read what is stored. Then URLs are not signed, unless they
        are asked to expire.
    metadata : mapping of str to str, or None
        Kept with every value that is stored, and seen by other programs only;
        printable ASCII.
    create_if_missing : bool
        Whether the first call that finds no bucket creates it.
    host : str
        The server, with its port; Amazon's where it is left out.
    access_key, secret_key, session_token : str
        The credentials; where they are left out, AWS's default chain finds some
        (environment, profile, role of the machine).
    region_name : str
        The region, such as ``eu-central-1``.
    is_secure : bool
        Whether to speak HTTPS; true by default.
    verify : bool
        Whether to check the server's certificate; true by default.
    force_bucket_suffix : bool
        Whether, where the bucket is missing, to use the one with the access key behind
        its name, as earlier versions called it; true by default.
    conditional : bool or None
        True: the server honours conditions, do not find out, except for large uploads.
        False: it does not, so the store has no ``conditional_support``.
    is_sts_credentials : bool
        Whether the credentials are there to assume the role of
        *sts_assume_role_params*, which is renewed before it ends.
    sts_assume_role_params : mapping
        The parameters of AssumeRole: ``RoleArn`` at least.
    timeout : float
        Longest silence of the server, in seconds; 30 by default. What fails sooner is
        tried again as long as less than that has passed: three times at most, eight
        times where the server is busy.
    max_connections : int
        Connections that are kept open; 10 by default.

    Raises
    ------
    InvalidArgument
        If *bucket* is neither of the two, a setting is unknown or cannot be used, or
        settings contradict each other.

    Examples
    --------
    >>> from minimalkv.net.boto3store import Boto3Store
    >>> Boto3Store("my-bucket", object_prefix="photos/", region_name="eu-central-1")
    <Boto3Store 'my-bucket/photos/'>
    """

    headers_support = True
    _reads_seed_keys = True
    _largest_put_bytes = LARGEST_COPY_BYTES

    def __init__(
        self,
        bucket: Any,
        prefix: str | None = None,
        object_prefix: str = "",
        url_valid_time: int = 0,
        reduced_redundancy: bool = False,
        public: bool = False,
        metadata: Mapping[str, str] | None = None,
        create_if_missing: bool = False,
        **settings: Unpack[S3Options],
    ) -> None:
        if prefix is not None:
            _warn_of_prefix("argument")
        # As earlier versions had it, so that they find each other's objects.
        self.object_prefix = (object_prefix or prefix or "").strip().lstrip("/")
        self.url_valid_time = url_valid_time
        self.reduced_redundancy = reduced_redundancy
        self.public = public
        self.metadata = dict(metadata or {})
        _check_metadata(self.metadata)
        self.create_if_missing = create_if_missing
        self.conditional_support = settings.get("conditional") is not False
        self._backend_max_key = LONGEST_NAME - len(self.object_prefix.encode())
        self.max_key = min(self.max_key, self._backend_max_key)
        self._calls = _new_calls(bucket, settings, create=create_if_missing)
        self._given_bucket = None if isinstance(bucket, str) else bucket
        self._own_bucket: Any = None

    @classmethod
    def _from_params(cls, *, bucket: str, **params: Any) -> Self:
        params, role = split_role(params)
        if role:
            params["sts_assume_role_params"] = role
        return cls(bucket, **{"create_if_missing": True, **params})

    @property
    def bucket(self) -> Any:
        """The bucket as a resource of boto3, for what is no business of a store."""
        if self._given_bucket is not None:
            return self._given_bucket
        if self._own_bucket is None:
            calls = self._calls
            self._own_bucket = make_bucket_resource(calls.connection, calls.bucket.name)
        return self._own_bucket

    @property
    def prefix(self) -> str:
        """Deprecated: the old name of ``object_prefix``."""
        _warn_of_prefix("attribute")
        return self.object_prefix

    def __repr__(self) -> str:
        place = f"{self._calls.bucket.name}/{self.object_prefix}"
        return f"<{type(self).__name__} {place!r}>"

    def _check_valid_key(self, key: str) -> None:
        super()._check_valid_key(key)
        if len(key) > self.max_key:
            self._refuse_key(key, self.max_key, self.max_segment)

    def _identity(self) -> tuple[object, ...]:
        return (
            self._calls.bucket.given,
            self._calls.connection.settings.endpoint_url,
            self.object_prefix,
            self.url_valid_time,
            self.reduced_redundancy,
            self.public,
            tuple(sorted(self.metadata.items())),
        )

    def __eq__(self, other: object) -> bool:
        """Tell whether both are on the same objects with the same settings.

        Credentials are not compared.
        """
        if not isinstance(other, Boto3Store):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        bucket, self._own_bucket = self._own_bucket, None
        if bucket is not None:
            bucket.meta.client.close()
        super().close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_own_bucket": None, "_given_bucket": None}

    # Writing.

    def _upload(
        self,
        key: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        **described: Any,
    ) -> Upload:
        conditions = {"IfNoneMatch": "*"} if if_absent else match(key, if_match)
        if conditions:
            require_conditions(self._calls, self.object_prefix, "put")
        return Upload(
            self._calls,
            key,
            self._name(key),
            params={**put_parameters(key, **described), **self._kept, **self._storage},
            conditions=conditions,
            prefix=self.object_prefix,
        )

    @property
    def _storage(self) -> dict[str, str]:
        """What does not go along with a copy."""
        storage = {"ACL": "public-read"} if self.public else {}
        if self.reduced_redundancy:
            storage["StorageClass"] = "REDUCED_REDUNDANCY"
        return storage

    @property
    def _kept(self) -> dict[str, Any]:
        return {"Metadata": self.metadata} if self.metadata else {}

    def _sink(self, key: str, **options: Any) -> MultipartSink:
        upload = self._upload(key, **options)
        most = self._calls.connection.settings.max_connections
        return MultipartSink(upload, PART_BYTES, min(WORKERS, most))

    def _delete(self, key: str, *, if_match: str | None = None) -> None:
        conditions = match(key, if_match)
        if conditions:
            require_conditions(self._calls, self.object_prefix, "delete")
        # Some servers do not say yes to what is not there anyway.
        with suppress(KeyNotFound):
            self._calls("delete_object", key, Key=self._name(key), **conditions)

    def _delete_many(self, keys: list[str]) -> None:
        delete_objects(self._calls, {key: self._name(key) for key in keys})

    def _copy_object(self, source: str, dest: str) -> None:
        names = self._name(source), self._name(dest)
        copy_object(self._calls, source, *names, self._storage)

    # URLs.

    def _url_for(
        self, key: str, *, expires: float | None = None, **options: Any
    ) -> str:
        if self.public and options.get("method", "GET") != "GET":
            raise Unsupported(
                "A URL cannot let others put what anybody may read. Sign it with a "
                "store that is not public, and copy the value here, or let a policy of "
                "the bucket make it public."
            )
        lifetime = expires or self.url_valid_time
        name = self._name(key)
        url = presign(self._calls, name, expires=lifetime or EXPIRES_SECS, **options)
        return url if lifetime or options or not self.public else plain_url(url)


def _warn_of_prefix(kind: str) -> None:
    warnings.warn(
        f"The {kind} 'prefix' of Boto3Store is called 'object_prefix' now.",
        DeprecationWarning,
        stacklevel=3,
    )


def _check_metadata(metadata: Mapping[str, str]) -> None:
    for name, value in metadata.items():
        text = f"{name}{value}"
        if not (text.isascii() and text.isprintable()):
            raise InvalidArgument(
                f"metadata is sent in headers: {name!r}: {value!r} is not printable "
                "ASCII. Encode it."
            )


def _new_calls(bucket: object, settings: S3Options, *, create: bool) -> Calls:
    name = bucket if isinstance(bucket, str) else getattr(bucket, "name", None)
    if not isinstance(name, str) or not name:
        raise InvalidArgument(
            "bucket is the name of a bucket, or a Bucket of boto3.resource('s3'), not "
            f"{type(bucket).__name__}."
        )
    resource = None if isinstance(bucket, str) else bucket
    connection = Connection(settings_of(settings, name, resource))
    suffix = settings.get("force_bucket_suffix", True) and resource is None
    access_key = connection.settings.access_key
    return Calls(connection, Bucket(name, access_key, suffix=suffix, create=create))
