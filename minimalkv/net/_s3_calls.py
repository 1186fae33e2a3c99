"""The requests of a store: sent, repeated where that is safe, and their errors ours."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, Final, NoReturn

from botocore.exceptions import ClientError

from minimalkv.net._attempts import Attempts
from minimalkv.net._s3_bucket import Bucket
from minimalkv.net._s3_client import Connection
from minimalkv.net._s3_errors import (
    FAILURES,
    Asked,
    Operation,
    asked_of,
    code_of,
    fail,
    is_busy,
    may_pass,
    retry_after,
    was_refused_for_another,
)

_MAX_CONFLICTS: Final = 20
_LONGEST_CONFLICT_PAUSE_SECS: Final = 0.5
_NO_PARAMS: Final[Mapping[str, Any]] = {}


class Calls:
    """Sends the requests of one store.

    A request that may be repeated is sent up to three times, and up to eight times to a
    server that is busy, as long as the time that one call may take has not passed. A
    conditional write is sent once: repeated after
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
        attempts = _Attempts(self, operation, key, params)
        while True:
            try:
                response = attempts.send()
                result = response if then is None else _read(response, then)
            except FAILURES as error:
                failure = error
            else:
                self.bucket.confirm()
                return result
            # Not within the clause: what the SDK raised may show a token.
            attempts.failed(failure)

    def asked(
        self,
        operation: str,
        key: str | None,
        params: Mapping[str, Any] = _NO_PARAMS,
        bucket: str = "",
    ) -> Asked:
        """Return what the errors of a request tell about it."""
        name = bucket or self.bucket.name
        suffixed = self.bucket.suffixed
        other = "" if self.bucket.is_found or suffixed == name else suffixed or ""
        asked = Operation(operation, params, other)
        return asked_of(asked, name, self.connection.server, key)


def _read(response: Any, then: Callable[[Any], Any]) -> Any:
    try:
        return then(response)
    except BaseException:
        # Whatever is left of the answer must not be taken for that of the next call.
        if "Body" in response:
            response["Body"].close()
        raise


class _Attempts(Attempts):
    def __init__(
        self,
        calls: Calls,
        operation: str,
        key: str | None,
        params: Mapping[str, Any],
    ) -> None:
        super().__init__(calls.connection.settings.timeout)
        self._calls = calls
        self._operation = operation
        self._key = key
        self._params = params
        self._bucket = ""
        self._looked = False

    def send(self) -> Any:
        self._bucket = self._calls.bucket.name
        params = {"Bucket": self._bucket, **self._params}
        if "CopySource" in params:
            source = {"Bucket": self._bucket, "Key": params["CopySource"]}
            params["CopySource"] = source
        if isinstance(params.get("Body"), BytesIO):
            params["Body"].seek(0)  # an earlier attempt has read it
        return getattr(self._calls.connection.client, self._operation)(**params)

    def _server(self) -> str:
        return self._calls.connection.server

    def failed(self, error: Exception) -> None:
        """Return if the request may be sent again, else raise what it failed for."""
        if code_of(error) == "NoSuchBucket" and self._finds_bucket():
            return
        asked = self._asked(self._operation)
        if asked.is_conditional_write:
            limits = _MAX_CONFLICTS, _LONGEST_CONFLICT_PAUSE_SECS
            again = was_refused_for_another(error) and self.pause(*limits)
        else:
            again = self._passes(error)
        if not again:
            fail(asked, error)

    def _passes(self, error: Exception) -> bool:
        if is_busy(error):
            return self.pause_for_busy(retry_after(error))
        return may_pass(error) and self.pause()

    def _asked(self, operation: str, bucket: str = "") -> Asked:
        params = self._params
        return self._calls.asked(operation, self._key, params, bucket or self._bucket)

    def _finds_bucket(self) -> bool:
        if self._looked:
            return False
        bucket, client = self._calls.bucket, self._calls.connection.client
        while True:
            try:
                found = bucket.look_elsewhere(client, self._bucket)
            except FAILURES as error:
                if not self._passes(error):
                    self._fail_to_look(error)
            else:
                self._looked = True
                return found

    def _fail_to_look(self, error: Exception) -> NoReturn:
        bucket = self._calls.bucket
        if isinstance(error, ClientError) and error.operation_name == "CreateBucket":
            fail(self._asked("create_bucket"), error)
        fail(self._asked("head_bucket", bucket.suffixed or ""), error)
