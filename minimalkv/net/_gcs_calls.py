"""The requests of a store: sent, repeated where that is safe, and their errors ours."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

from google.auth.exceptions import GoogleAuthError
from urllib3 import HTTPResponse

from minimalkv._errors import StoreError
from minimalkv.net._asked import BUSY_STATUS, Broken
from minimalkv.net._attempts import Attempts
from minimalkv.net._gcs_client import Body, Connection
from minimalkv.net._gcs_errors import (
    FAILURES,
    INSIDE,
    NO_BUCKET,
    NO_OBJECT,
    Asked,
    Refused,
    asked_of,
    fail,
    lacks_bucket,
    lacks_object,
    may_pass,
    message_in,
    was_not_done,
)
from minimalkv.net._logs import tell_created

_T = TypeVar("_T")

# More than elsewhere: who increments a number has to wait for all the others, since
# Google takes one write of a key in a second.
_MAX_BUSY_TRIES: Final = 20
_DONE: Final = (200, 201, 204, 206)
_JSON: Final = {"Content-Type": "application/json; charset=UTF-8"}
_NO_HEADERS: Final[Mapping[str, str]] = {}


class Ask(NamedTuple):
    """A request.

    Attributes
    ----------
    action : str
        What it is for, in the words of its errors.
    method, path : str
        What to send; a path that is a whole URL is taken as it is.
    key : str or None
        The key that errors name.
    body : Body
        What is sent, with its length among the *headers*.
    condition : str
        ``absent`` or ``match`` for one with a condition, else empty.
    once : bool
        Whether to send it again only if the server cannot have done it.
    accepted : tuple of int
        The statuses that are no error.
    most_secs : float
        How long it may take, unless the store allows less.
    """

    action: str
    method: str
    path: str
    key: str | None = None
    headers: Mapping[str, str] = _NO_HEADERS
    body: Body = None
    condition: str = ""
    once: bool = False
    accepted: tuple[int, ...] = _DONE
    most_secs: float = math.inf


class Bucket(NamedTuple):
    """A bucket, and how it is created where it is missing.

    Attributes
    ----------
    name : str
        Its name.
    create : bool
        Whether the first call that finds it missing creates it.
    location : str or None
        Where it is created.
    """

    name: str
    create: bool
    location: str | None

    @property
    def path(self) -> str:
        """The part of a path that names it."""
        return f"/storage/v1/b/{quote(self.name, safe='')}"


class Calls:
    """Sends the requests of one store.

    A request that may be repeated is, as long as the time of one call has not passed.
    A conditional write is sent once: repeated after its answer was lost, it would fail
    because of itself, and report as lost what it won. It goes again only if it cannot
    have happened.

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
        self.objects_path = f"{bucket.path}/o/"
        self.upload_path = f"/upload{bucket.path}/o?uploadType="
        # Whether the bucket was seen: what an emulator leaves open depends on it.
        self.is_found = False

    def object_path(self, name: str) -> str:
        """Return the path of an object."""
        return self.objects_path + quote(name, safe="")

    def __call__(self, ask: Ask, then: Callable[[HTTPResponse], _T]) -> _T:
        """Send a request.

        Parameters
        ----------
        ask : Ask
            What to send.
        then : callable
            Reads the answer. If that fails, the request may be repeated, too.

        Returns
        -------
        object
            What *then* returned.
        """
        attempts = _Attempts(self, ask)
        while True:
            try:
                answer = attempts.send(then)
            except FAILURES as error:
                failure = error
            else:
                self.is_found = self.is_found or ask.action in INSIDE
                return answer
            # Not within the clause: what requests raised has the URL, and that of an
            # upload lets anybody write.
            attempts.failed(failure)

    def asked(self, action: str, key: str | None, condition: str = "") -> Asked:
        """Return what the errors of a request tell about it."""
        server = self.connection.client.server
        return asked_of(action, self.bucket.name, server, key, condition)

    def in_words_of_google(self, error: Refused, action: str) -> Refused:
        """Say what it is that is missing, where an emulator leaves that open.

        Whatever else answers a vague 404, as a gateway does whose server is away, is
        not believed: that a value is not there would be wrong.
        """
        is_vague = error.status == 404 and bool(error.message)
        is_clear = lacks_bucket(error) or lacks_object(error)
        if not is_vague or is_clear or not self.connection.client.is_emulated:
            return error
        is_found = action not in ("write", "list") and (
            self.is_found or self._has_bucket()
        )
        return Refused(404, NO_OBJECT if is_found else NO_BUCKET)

    def _has_bucket(self) -> bool:
        path = f"{self.bucket.path}?fields=name"
        ask = Ask("look for the bucket", "GET", path, accepted=(*_DONE, 404))
        self.is_found = self(ask, drained).status != 404
        return self.is_found

    def create_bucket(self) -> None:
        """Create the bucket, unless somebody else just did."""
        link = self.connection.client
        project = link.project
        if project is None and not link.is_emulated:
            raise StoreError(
                f"The bucket {self.bucket.name!r} does not exist. To create it, say in "
                "which project: ?project=NAME, or a service account's JSON."
            )
        resource = {"name": self.bucket.name}
        if self.bucket.location:
            resource["location"] = self.bucket.location
        body = json.dumps(resource).encode()
        path = f"/storage/v1/b?project={quote(project or 'none', safe='')}"
        headers = {**_JSON, "Content-Length": str(len(body))}
        ask = Ask("create the bucket", "POST", path, headers=headers, body=body)
        self(ask._replace(accepted=(*_DONE, 409)), drained)
        tell_created(self.bucket.name)


class _Attempts(Attempts):
    def __init__(self, calls: Calls, ask: Ask) -> None:
        super().__init__(min(calls.connection.settings.timeout, ask.most_secs))
        self._calls = calls
        self._ask = ask
        self._has_created = False
        self._is_refreshed = False

    def send(self, then: Callable[[HTTPResponse], _T]) -> _T:
        ask = self._ask
        link = self._calls.connection.client
        url = link.endpoint + ask.path if ask.path[0] == "/" else ask.path
        response = link.send(ask.method, url, ask.headers, ask.body, self.left_secs)
        try:
            _check(response, ask)
            return then(response)
        except BaseException:
            response.close()
            raise

    def _server(self) -> str:
        return self._calls.connection.client.server

    def failed(self, error: Exception) -> None:
        """Return if the request may be sent again, else raise what it failed for."""
        if isinstance(error, Refused):
            if self._is_helped(error):
                return
            if self._ask.action in INSIDE:
                error = self._calls.in_words_of_google(error, self._ask.action)
            if self._finds_bucket(error):
                return
        ask = self._ask
        is_repeatable = may_pass(error) and (not ask.once or was_not_done(error))
        if not (is_repeatable and self._waits(error)):
            fail(self._calls.asked(ask.action, ask.key, ask.condition), error)

    def _waits(self, error: Exception) -> bool:
        if isinstance(error, Refused) and error.status in BUSY_STATUS:
            return self.pause_for_busy(error.retry_after, _MAX_BUSY_TRIES)
        return self.pause()

    def _is_helped(self, error: Refused) -> bool:
        """Get a new token, once, where the old one was refused."""
        if error.status != 401 or self._is_refreshed:
            return False
        self._is_refreshed = True
        try:
            self._calls.connection.client.refresh(self.left_secs)
        except GoogleAuthError:
            return False
        return True

    def _finds_bucket(self, error: Refused) -> bool:
        """Create the bucket, once, where it is missing."""
        calls = self._calls
        if self._ask.action not in INSIDE or not lacks_bucket(error):
            return False
        calls.is_found = False
        if self._has_created or not calls.bucket.create:
            return False
        self._has_created = True
        calls.create_bucket()
        return True


def _check(response: HTTPResponse, ask: Ask) -> None:
    if response.status not in ask.accepted:
        message = message_in(response.read(decode_content=True))
        raise Refused(response.status, message, response.headers.get("Retry-After"))


def read_json(response: HTTPResponse) -> dict[str, Any]:
    """Return the JSON of an answer.

    Raises
    ------
    Broken
        If it is cut off, or something else.
    """
    body = response.read(decode_content=True)
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Broken("sent no JSON of Google's")
    return found


def check_object(response: HTTPResponse) -> None:
    """Read an answer that says no more than that there is an object.

    Raises
    ------
    Broken
        If it does not say that.
    """
    if "generation" not in read_json(response):
        raise Broken("sent an answer that is about no object")


def drained(response: HTTPResponse) -> HTTPResponse:
    """Read what nobody wants to know, so that the connection can be used again."""
    response.read(decode_content=False)
    return response
