"""`Boto3Store` under the name, and with the arguments, of a store that used s3fs."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from minimalkv.net.boto3store import Boto3Store

__all__ = ["Credentials", "S3FSStore"]


class Credentials(NamedTuple):
    """What AWS calls an access key.

    Attributes
    ----------
    access_key_id, secret_access_key, session_token : str or None
        Where the first two are None, AWS's default chain finds some.
    """

    access_key_id: str | None
    secret_access_key: str | None
    session_token: str | None

    def as_boto3_params(self) -> dict[str, str | None]:
        """Return them as boto3 calls them."""
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
            "aws_session_token": self.session_token,
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


_UNUSED_ROLE = "sts_assume_role_params is of no use without is_sts_credentials=True."
_NO_CREDENTIALS = Credentials(None, None, None)


class S3FSStore(Boto3Store):
    """Store values as objects in a bucket of S3; s3fs is not needed.

    Parameters
    ----------
    bucket : str or boto3 Bucket
        As for `Boto3Store`.
    credentials : Credentials or None
        Instead of those that the bucket's client, or AWS's default chain, has.
    object_prefix, url_valid_time, reduced_redundancy, public, metadata
        As for `Boto3Store`.
    verify, region_name, is_sts_credentials, sts_assume_role_params, settings
        As for `Boto3Store`.
    create_if_missing : bool
        As for `Boto3Store`, but true by default.

    Attributes
    ----------
    credentials : Credentials
        As they were given.

    Raises
    ------
    InvalidArgument
        As for `Boto3Store`.

    Examples
    --------
    >>> from minimalkv.net.s3fsstore import Credentials, S3FSStore
    >>> S3FSStore("my-bucket", Credentials("key", "secret", None))
    <S3FSStore 'my-bucket/'>
    """

    def __init__(
        self,
        bucket: Any,
        credentials: Credentials | None = None,
        object_prefix: str = "",
        url_valid_time: int = 0,
        reduced_redundancy: bool = False,
        public: bool = False,
        metadata: Mapping[str, str] | None = None,
        verify: bool = True,
        region_name: str | None = None,
        is_sts_credentials: bool = False,
        sts_assume_role_params: Mapping[str, object] | None = None,
        *,
        create_if_missing: bool = True,
        **settings: Any,
    ) -> None:
        key, secret, token = self.credentials = credentials or _NO_CREDENTIALS
        if sts_assume_role_params and not is_sts_credentials:
            warnings.warn(_UNUSED_ROLE, UserWarning, stacklevel=2)
            sts_assume_role_params = None
        own: dict[str, Any] = {
            "access_key": key,
            "secret_key": secret,
            "session_token": token,
            "verify": verify,
            "region_name": region_name,
            "is_sts_credentials": is_sts_credentials,
            "sts_assume_role_params": sts_assume_role_params,
        }
        super().__init__(
            bucket,
            object_prefix=object_prefix,
            url_valid_time=url_valid_time,
            reduced_redundancy=reduced_redundancy,
            public=public,
            metadata=metadata,
            create_if_missing=create_if_missing,
            **{**own, **settings},
        )

    @property
    def verify(self) -> bool:
        """Whether the server's certificate is checked."""
        return self._calls.connection.settings.verify is not False

    @property
    def region_name(self) -> str | None:
        """The region, as it was given."""
        return self._calls.connection.settings.region_name

    @property
    def endpoint_url(self) -> str | None:
        """The URL of the server; None for Amazon's own."""
        return self._calls.connection.settings.endpoint_url
