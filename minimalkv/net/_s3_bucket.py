"""Which bucket a store is on: found out when the one that is named is missing."""

import os
import sys
import warnings
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

from minimalkv._fork import tell_after_fork
from minimalkv.net._logs import tell_created
from minimalkv.net._s3_errors import code_of, status_of
from minimalkv.net._s3_settings import is_aws

_HOME_REGION = "us-east-1"


class Bucket:
    """The name of a bucket, as it was given or as an earlier version wrote it.

    That version appended ``-<access key>`` to the name. Its bucket is used where the
    one that is named does not exist.

    Parameters
    ----------
    name : str
        As it was given.
    access_key : str or None
        The access key, as far as it was given.
    suffix : bool
        Whether to look for the name with the access key behind it.
    create : bool
        Whether to create the bucket where there is neither.
    """

    def __init__(
        self, name: str, access_key: str | None, *, suffix: bool, create: bool
    ) -> None:
        self.given = name
        self._access_key = access_key
        self._suffix = suffix
        self._create = create
        self._found: str | None = None
        self._after_fork()
        tell_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The name, as far as it is known by now."""
        return self._found or self.given

    @property
    def is_found(self) -> bool:
        """Whether the bucket has answered, so that it is the one that is meant."""
        return self._found is not None

    def confirm(self) -> None:
        """Take note that the bucket answered."""
        if self._found is None:
            self._found = self.given

    def look_elsewhere(self, client: Any, tried: str) -> bool:
        """Look for another bucket than the one that is missing, or create it.

        Parameters
        ----------
        client : object
            The client to ask with. What it raises says nothing about the buckets.
        tried : str
            The name that was missing.

        Returns
        -------
        bool
            Whether to try again.
        """
        with self._lock:
            if self.name != tried:
                return True  # another thread was here
            found = self._suffixed_bucket(client)
            if found is None and self._create:
                self._make(client)
                found = self.given
            self._found = found
        if found is not None and found != self.given:
            self._warn(found)
        return found is not None

    def _suffixed_bucket(self, client: Any) -> str | None:
        name = self.suffixed
        if name is None:
            return None
        try:
            client.head_bucket(Bucket=name)
        except ClientError as error:
            # The values may be there, where a new bucket would hide them.
            if status_of(error) != 404:
                raise
            return None
        return name

    @property
    def suffixed(self) -> str | None:
        """The other name, if there may be one."""
        access_key = self._access_key or os.environ.get("AWS_ACCESS_KEY_ID")
        if not (self._suffix and access_key):
            return None
        ending = f"-{access_key.lower()}"
        return None if self.given.lower().endswith(ending) else self.given + ending

    def _make(self, client: Any) -> None:
        region = client.meta.region_name
        options = {}
        if is_aws(client.meta.endpoint_url) and region not in (None, _HOME_REGION):
            options["CreateBucketConfiguration"] = {"LocationConstraint": region}
        try:
            client.create_bucket(Bucket=self.given, **options)
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise
        else:
            tell_created(self.given)

    def _warn(self, found: str) -> None:
        level, frame = 1, sys._getframe()
        # Shown is only what points to the program that has the URL.
        while frame.f_back and frame.f_globals["__name__"].startswith("minimalkv."):
            level, frame = level + 1, frame.f_back
        warnings.warn(
            f"The bucket {self.given!r} is not there, so {found!r} is used, which an "
            "earlier version of minimalkv made. Write this name into the URL.",
            DeprecationWarning,
            stacklevel=level,
        )

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_found")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._found = None
        self._after_fork()
        tell_after_fork(self)
