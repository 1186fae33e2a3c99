"""The requests of a store: sent, repeated where that is safe, and their errors ours."""

import json
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

from google.auth.exceptions import GoogleAuthError
from urllib3 import HTTPResponse

from minimalkv._errors import MinimalkvError, StoreError
from minimalkv.net._gcs_client import Body, Connection
from minimalkv.net._gcs_errors import (
    FAILURES,
    NO_BUCKET,
    Asked,
    Broken,
    Refused,
    is_unclear,
    lacks_bucket,
    may_pass,
    message_in,
    translate,
    was_not_done,
)

_T = TypeVar("_T")

MAX_TRIES: Final = 3
"""How often a request is sent that may be repeated, and that nobody answers."""

_MAX_BUSY_TRIES: Final = 20
_FIRST_PAUSE_SECS: Final = 0.05
_LONGEST_PAUSE_SECS: Final = 2.0
_SHORTEST_WAIT_SECS: Final = 0.001
_INSIDE: Final = frozenset(("read", "describe", "list", "write", "delete", "copy"))
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
        # Whether the bucket was seen. Emulators do not say what it is that is missing.
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
        attempt = _Attempt(self, ask)
        while True:
            try:
                answer = attempt.send(then)
            except FAILURES as error:
                attempt.failed(error)
            else:
                self.is_found = self.is_found or ask.action in _INSIDE
                return answer

    def error(self, ask: Ask, failure: Exception) -> MinimalkvError:
        """Make our error of what a request failed for."""
        server = urlsplit(self.connection.link.endpoint).netloc
        name = self.bucket.name
        asked = Asked(ask.action, name, server, ask.key, ask.condition)
        return translate(failure, asked)

    def has_bucket(self) -> bool:
        """Ask whether the bucket exists."""
        path = f"{self.bucket.path}?fields=name"
        ask = Ask("look for the bucket", "GET", path, accepted=(*_DONE, 404))
        self.is_found = self(ask, drained).status != 404
        return self.is_found

    def create_bucket(self) -> None:
        """Create the bucket, unless somebody else just did."""
        link = self.connection.link
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


class _Attempt:
    """One request, and how often it was sent."""

    def __init__(self, calls: Calls, ask: Ask) -> None:
        self._calls = calls
        self._ask = ask
        self._deadline = time.monotonic() + calls.connection.settings.timeout
        self._tries = count(1)
        self._has_created = False
        self._is_refreshed = False

    def send(self, then: Callable[[HTTPResponse], _T]) -> _T:
        ask = self._ask
        link = self._calls.connection.link
        url = link.endpoint + ask.path if ask.path[0] == "/" else ask.path
        response = link.send(ask.method, url, ask.headers, ask.body, self._left_secs())
        try:
            _check(response, ask)
            return then(response)
        except BaseException:
            response.close()
            raise

    def failed(self, error: Exception) -> None:
        """Return if the request may be sent again, else raise what it failed for."""
        tries = next(self._tries)
        if isinstance(error, Refused):
            if self._is_helped(error):
                return
            error = self._clear_up(error)
            if self._finds_bucket(error):
                return
        is_worth_it = was_not_done(error) if self._ask.once else may_pass(error)
        most = _MAX_BUSY_TRIES if isinstance(error, Refused) else MAX_TRIES
        if is_worth_it and tries < most and self._pause(tries):
            return
        # Whoever knows the address of an upload may write to it.
        cause = None if self._ask.action == "upload" else error
        raise self._calls.error(self._ask, error) from cause

    def _is_helped(self, error: Refused) -> bool:
        """Get a new token, once, where the old one was refused."""
        if error.status != 401 or self._is_refreshed:
            return False
        self._is_refreshed = True
        try:
            self._calls.connection.link.refresh(self._left_secs())
        except GoogleAuthError:
            return False
        return True

    def _clear_up(self, error: Refused) -> Refused:
        """Find out what it is that is missing, where the server does not say it."""
        if error.status != 404 or self._ask.action not in _INSIDE:
            return error
        calls = self._calls
        if is_unclear(error) and not (calls.is_found or calls.has_bucket()):
            return Refused(404, NO_BUCKET)
        return error

    def _finds_bucket(self, error: Refused) -> bool:
        """Create the bucket, once, where it is missing."""
        calls, action = self._calls, self._ask.action
        if error.status != 404 or not lacks_bucket(error, action):
            return False
        calls.is_found = False
        if self._has_created or not calls.bucket.create:
            return False
        self._has_created = True
        calls.create_bucket()
        return True

    def _pause(self, tries: int) -> bool:
        """Wait a little, or return False if that would take too long."""
        from random import uniform  # only who was refused pays for the import

        longest = min(_FIRST_PAUSE_SECS * 2**tries, _LONGEST_PAUSE_SECS)
        pause_secs = uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        if pause_secs >= self._left_secs():
            return False
        time.sleep(pause_secs)
        return True

    def _left_secs(self) -> float:
        return max(self._deadline - time.monotonic(), _SHORTEST_WAIT_SECS)


def _check(response: HTTPResponse, ask: Ask) -> None:
    if response.status not in ask.accepted:
        raise Refused(response.status, message_in(response.read(decode_content=True)))


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
        raise Broken("The answer is no JSON of Google's.")
    return found


def check_object(response: HTTPResponse) -> None:
    """Read an answer that says no more than that there is an object.

    Raises
    ------
    Broken
        If it does not say that.
    """
    if "generation" not in read_json(response):
        raise Broken("The answer is about no object.")


def drained(response: HTTPResponse) -> HTTPResponse:
    """Read what nobody wants to know, so that the connection can be used again."""
    response.read(decode_content=False)
    return response
