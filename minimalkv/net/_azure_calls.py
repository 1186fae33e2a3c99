"""The requests of a store: sent, repeated where that is safe, and their errors ours."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

from azure.core.pipeline.transport import HttpRequest
from urllib3.exceptions import HTTPError

from minimalkv._errors import StoreError
from minimalkv.net import _asked
from minimalkv.net._asked import BUSY_STATUS
from minimalkv.net._attempts import Attempts
from minimalkv.net._azure_body import Answer
from minimalkv.net._azure_client import Client, Connection
from minimalkv.net._azure_errors import (
    BATCH,
    CREATE,
    FAILURES,
    Asked,
    Operation,
    Refusal,
    as_refusal,
    fail,
    may_pass,
)
from minimalkv.net._logs import tell_created
from minimalkv.net._pieces import Pieces

VERSION: Final = "2021-12-02"
"""The version of the service whose answers are understood here."""

_SENT_AT_ONCE_BYTES: Final = 256 * 1024
_LONGEST_COMPLAINT_BYTES: Final = 64 * 1024
_CODE: Final = re.compile(rb"<Code>(\w+)</Code>")
_NONE: Final[Mapping[str, str]] = {}


class Calls:
    """Sends the requests of one store.

    A request that may be repeated is sent up to three times, and more often to a server
    that has no time, as long as the time that one call may take has not passed. A
    conditional write is sent once: repeated after its answer was lost, it would fail
    because of itself, and report as lost what it won. It goes again only where the
    container had to be created first.

    Parameters
    ----------
    connection : Connection
        The way to the container.
    create : bool
        Whether to create the container where it is missing.
    public : bool
        Whether anybody may read the container that is created.
    """

    def __init__(self, connection: Connection, *, create: bool, public: bool) -> None:
        self.connection = connection
        self._create = create
        self._public = public
        self._place = f"container {connection.settings.container!r}"

    def __call__(
        self,
        operation: Operation,
        key: str | None = None,
        name: str = "",
        *,
        query: Mapping[str, str] = _NONE,
        headers: Mapping[str, str] = _NONE,
        conditions: Mapping[str, str] = _NONE,
        body: bytes = b"",
        then: Callable[[Answer], Any] | None = None,
    ) -> Any:
        """Send a request.

        Parameters
        ----------
        operation : Operation
            What it does.
        key : str or None
            The key that errors name.
        name : str
            The name of the blob; empty for the container.
        query, headers : mapping of str to str
            What the operation takes.
        conditions : mapping of str to str
            ``If-Match`` or ``If-None-Match``, or nothing.
        body : bytes
            What is sent.
        then : callable or None
            Reads the answer; if that fails, the request may be repeated, too. Without
            it, the body is thrown away.

        Returns
        -------
        object
            What *then* returned, or the headers of the answer.
        """
        asked = self.asked(operation, key, conditions)

        def send(client: Client, left_secs: float) -> Any:
            url = _url(client, name, query)
            request = HttpRequest(operation.method, url, {**headers, **conditions})
            _put_body(request, body)
            answer = self._send(client, request, left_secs)
            try:
                return drained(answer) if then is None else then(answer)
            except BaseException:
                answer.raw.close()
                raise

        return self.repeat(asked, send)

    def repeat(self, asked: Asked, send: Callable[[Client, float], Any]) -> Any:
        """Send a request that somebody else makes, once or a few times.

        Parameters
        ----------
        asked : Asked
            What it is about.
        send : callable
            Gets the client and the seconds that are left, and returns the result.
        """
        attempts = _Attempts(self, asked)
        while True:
            try:
                return send(self.connection.client, attempts.left_secs)
            except FAILURES as error:
                failure = as_refusal(error)
            # Not within the clause: what the SDK raised may show a token.
            attempts.failed(failure)

    def _send(self, client: Client, request: HttpRequest, left_secs: float) -> Answer:
        request.headers["x-ms-version"] = VERSION
        settings = self.connection.settings
        response = client.pipeline.run(
            request,
            stream=True,
            connection_timeout=min(settings.connect_secs, left_secs),
            read_timeout=min(settings.read_secs, left_secs),
        ).http_response
        answer = Answer(response.headers, response.internal_response.raw)
        if response.status_code >= 300:
            raise _refusal(response.status_code, answer)
        return answer

    def asked(
        self,
        operation: Operation,
        key: str | None,
        conditions: Mapping[str, str] = _NONE,
    ) -> Asked:
        """Return what the errors of a request tell about it."""
        condition = "absent" if "If-None-Match" in conditions else "match"
        return _asked.Asked(
            operation,
            self._place,
            self.connection.client.server,
            key,
            condition if conditions else "",
            operation.writes,
        )

    def create(self) -> bool:
        """Create the container, if that is wanted; return whether it is there now."""
        if not self._create:
            return False
        headers = {"x-ms-blob-public-access": "container"} if self._public else {}
        try:
            self(CREATE, query={"restype": "container"}, headers=headers)
        except StoreError as error:
            if code_of(error) != "ContainerAlreadyExists":
                raise
        else:
            tell_created(self._place)
        return True


def code_of(error: StoreError) -> str:
    """Return what Azure calls an error, or an empty text."""
    cause = error.__cause__
    return cause.code if isinstance(cause, Refusal) else ""


class _Attempts(Attempts):
    def __init__(self, calls: Calls, asked: Asked) -> None:
        super().__init__(calls.connection.settings.timeout)
        self._calls = calls
        self._asked = asked
        self._has_created = False

    def _server(self) -> str:
        return self._calls.connection.client.server

    def failed(self, error: Exception) -> None:
        """Return if the request may be sent again, else raise what it failed for."""
        if self._finds_container(error):
            return
        is_repeatable = not self._asked.is_conditional_write and may_pass(error)
        if not (is_repeatable and self._waits(error)):
            fail(self._asked, error)

    def _waits(self, error: Exception) -> bool:
        if not isinstance(error, Refusal) or error.status not in BUSY_STATUS:
            return self.pause()
        if self._asked.operation is BATCH:
            return self.pause()  # what it does not delete is deleted singly
        return self.pause_for_busy(error.retry_after)

    def _finds_container(self, error: Exception) -> bool:
        is_missing = isinstance(error, Refusal) and error.code == "ContainerNotFound"
        if not is_missing or self._has_created:
            return False
        self._has_created = True
        return self._calls.create()


def _url(client: Client, name: str, query: Mapping[str, str]) -> str:
    path = f"/{quote(name)}" if name else ""
    pairs = [f"{key}={quote(value, safe='')}" for key, value in query.items()]
    options = "&".join(filter(None, [*pairs, client.token]))
    return f"{client.url}{path}?{options}" if options else f"{client.url}{path}"


def _put_body(request: HttpRequest, body: bytes) -> None:
    if not body:
        return
    request.headers["Content-Length"] = str(len(body))
    # The timeout is about all of a text, but about each of the pieces.
    data: Any = body if len(body) <= _SENT_AT_ONCE_BYTES else Pieces(body)
    request.data = data


def drained(answer: Answer) -> Mapping[str, str]:
    """Read what nobody wants to know, so that the connection can be used again."""
    answer.raw.read()
    return answer.headers


def _refusal(status: int, answer: Answer) -> Refusal:
    text = b""
    with suppress(HTTPError):
        text = answer.raw.read(_LONGEST_COMPLAINT_BYTES)
    code = answer.headers.get("x-ms-error-code", "")
    match = None if code else _CODE.search(text)
    if match:
        code = match[1].decode()
    return Refusal(status, code, answer.headers)
