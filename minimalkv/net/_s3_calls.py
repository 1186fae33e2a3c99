"""The requests of a store: sent, repeated where that is safe, and their errors ours."""

import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from minimalkv._errors import StoreUnavailable
from minimalkv.net._s3_bucket import Bucket
from minimalkv.net._s3_client import Connection
from minimalkv.net._s3_errors import (
    FAILURES,
    Asked,
    code_of,
    may_pass,
    status_of,
    translate,
    was_refused_for_another,
)

MAX_TRIES: Final = 3
"""How often a request is sent, if it may be repeated."""

_MAX_CONFLICTS: Final = 20
_FIRST_PAUSE_SECS: Final = 0.05
_LONGEST_CONFLICT_PAUSE_SECS: Final = 0.5
_NO_PARAMS: Final[Mapping[str, Any]] = {}


class Calls:
    """Sends the requests of one store.

    A request that may be repeated is sent up to three times, as long as the time that
    one call may take has not passed. A conditional write is sent once: repeated after
    its answer was lost, it would fail because of itself, and report as lost what it
    won. It goes again only where the server says that it was not done.

    Parameters
    ----------
    connection : Connection
        The way to the server.
    bucket : Bucket
        The bucket that all requests are for.
    """

    def __init__(self, connection: Connection, bucket: Bucket) -> None:
        self.connection = connection
        self.bucket = bucket

    def __call__(
        self,
        operation: str,
        key: str | None = None,
        *,
        then: Callable[[Any], Any] | None = None,
        **params: Any,
    ) -> Any:
        """Send a request.

        Parameters
        ----------
        operation : str
            The method of the client.
        key : str or None
            The key that errors name.
        then : callable or None
            Reads the answer; if that fails, the request may be repeated, too.
        params : object
            What the method takes, without the bucket. ``CopySource`` is only the name
            of the object.

        Returns
        -------
        object
            What the client, or *then*, returned.
        """
        attempt = _Attempt(self, operation, key, params)
        while True:
            try:
                response = attempt.send()
                result = response if then is None else _read(response, then)
            except (*FAILURES, StoreUnavailable) as error:
                attempt.failed(error)
            else:
                self.bucket.confirm()
                return result

    def asked(self, operation: str, key: str | None) -> Asked:
        """Return what the errors of a request tell about it."""
        url = self.connection.settings.endpoint_url
        server = "AWS" if url is None else urlsplit(url).netloc
        return Asked(operation, self.bucket.name, server, key, _NO_PARAMS)


def _read(response: Any, then: Callable[[Any], Any]) -> Any:
    try:
        return then(response)
    except BaseException:
        # Whatever is left of the answer must not be taken for that of the next call.
        if "Body" in response:
            response["Body"].close()
        raise


class _Attempt:
    """One request, and how often it was sent."""

    def __init__(
        self,
        calls: Calls,
        operation: str,
        key: str | None,
        params: Mapping[str, Any],
    ) -> None:
        self._calls = calls
        self._operation = operation
        self._key = key
        self._params = params
        self._started = time.monotonic()
        self._tries = count(1)
        self._bucket = ""
        self._looked = False

    def send(self) -> Any:
        self._bucket = self._calls.bucket.name
        params = {"Bucket": self._bucket, **self._params}
        if "CopySource" in params:
            source = {"Bucket": self._bucket, "Key": params["CopySource"]}
            params["CopySource"] = source
        return getattr(self._calls.connection.client, self._operation)(**params)

    def failed(self, error: Exception) -> None:
        """Return if the request may be sent again, else raise what it failed for."""
        tries = next(self._tries)
        asked = self._asked()
        if self._finds_bucket(error):
            return
        if asked.is_conditional:
            is_worth_it = was_refused_for_another(error) and tries < _MAX_CONFLICTS
        else:
            is_worth_it = may_pass(error) and tries < MAX_TRIES
        if not (is_worth_it and self._pause(tries)):
            if isinstance(error, StoreUnavailable):
                raise error
            raise translate(error, asked) from error

    def _asked(self, operation: str = "") -> Asked:
        asked = self._calls.asked(operation or self._operation, self._key)
        return asked._replace(bucket=self._bucket, params=self._params)

    def _finds_bucket(self, error: Exception) -> bool:
        bucket = self._calls.bucket
        is_missing = code_of(error) == "NoSuchBucket"
        is_foreign = status_of(error) == 403 and not bucket.is_found
        if self._looked or not (is_missing or is_foreign):
            return False
        self._looked = True
        client = self._calls.connection.client
        try:
            return bucket.look_elsewhere(client, self._bucket, exists=is_foreign)
        except FAILURES as failure:
            raise translate(failure, self._asked("create_bucket")) from failure

    def _pause(self, tries: int) -> bool:
        """Wait a little, or return False if that would take too long."""
        from random import uniform  # only who was refused pays for the import

        longest = min(_FIRST_PAUSE_SECS * 2**tries, _LONGEST_CONFLICT_PAUSE_SECS)
        pause_secs = uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        passed = time.monotonic() - self._started
        if passed + pause_secs >= self._calls.connection.settings.timeout:
            return False
        time.sleep(pause_secs)
        return True
