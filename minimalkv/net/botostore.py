"""`Boto3Store` under the name, and with the arguments, that it had at first."""

from collections.abc import Mapping
from typing import Any, Unpack

from minimalkv.net._s3_settings import S3Options
from minimalkv.net.boto3store import Boto3Store

__all__ = ["BotoStore"]


class BotoStore(Boto3Store):
    """Store values as objects in a bucket of S3.

    Parameters
    ----------
    bucket : str or boto3 Bucket
        As for `Boto3Store`; a bucket of ``boto`` 2, which no Python of today runs, is
        refused.
    prefix : str
        Stands before every key, as it is written.
    url_valid_time, reduced_redundancy, public, metadata, create_if_missing, settings
        As for `Boto3Store`.

    Raises
    ------
    InvalidArgument
        As for `Boto3Store`.

    Examples
    --------
    >>> from minimalkv.net.botostore import BotoStore
    >>> BotoStore("my-bucket", "photos/")
    <BotoStore 'my-bucket/photos/'>
    """

    def __init__(
        self,
        bucket: Any,
        prefix: str = "",
        url_valid_time: int = 0,
        reduced_redundancy: bool = False,
        public: bool = False,
        metadata: Mapping[str, str] | None = None,
        *,
        object_prefix: str = "",
        create_if_missing: bool = False,
        **settings: Unpack[S3Options],
    ) -> None:
        super().__init__(
            bucket,
            object_prefix=object_prefix or prefix,
            url_valid_time=url_valid_time,
            reduced_redundancy=reduced_redundancy,
            public=public,
            metadata=metadata,
            create_if_missing=create_if_missing,
            **settings,
        )

    @property
    def prefix(self) -> str:
        """What stands before every key: ``object_prefix``."""
        return self.object_prefix
