"""What the tests that run on each backend have to know about one."""

import json
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from minimalkv import get_store_from_url
from tests.backends.process import HOST
from tests.net.uses import VALUES
from tests.proxy import Answer, Request

if TYPE_CHECKING:
    from tests.backends.base import StoreServer

EMULATOR: Final = "STORAGE_EMULATOR_HOST"
Place = Mapping[str, Any]


class Backend(ABC):
    """One kind of backend, of which a server runs.

    Attributes
    ----------
    methods : mapping of str to str
        The methods of its requests, by what they are for; empty if a request may
        consist of several.
    tries : int
        How often what may be repeated is sent, if no answer ever comes.
    places : sequence of mapping
        Where in an answer something happens: arguments of a fault.
    short : sequence of mapping
        Those of them within the value.
    stalls : sequence of mapping
        Where in an answer the server falls silent.
    read_at_once : collection of str
        The `VALUES` that are read again if their answer is too short.
    least_faults : int
        How many of them there are at least in any answer.
    shortest_answer_bytes : int
        How long any answer is at least.
    create_rounds : int
        How many rounds several processes race.
    interrupted_after_secs : tuple of float
        When a signal comes that is to hit a call.
    """

    name: ClassVar[str]
    methods: ClassVar[Mapping[str, str]] = {}
    tries: ClassVar[int] = 3
    places: ClassVar[Sequence[Place]]
    short: ClassVar[Sequence[Place]]
    stalls: ClassVar[Sequence[Place]]
    read_at_once: ClassVar[Collection[str]] = ("get", "get_with_meta", "get_many")
    least_faults: ClassVar[int] = 11
    shortest_answer_bytes: ClassVar[int] = 100
    create_rounds: ClassVar[int] = 10
    interrupted_after_secs: ClassVar[tuple[float, float]] = (1e-4, 4e-3)

    def __init__(self, server: "StoreServer") -> None:
        self.server = server

    def url(self, **options: Any) -> str:
        """Return the URL of a store with nothing in it."""
        return self.server.url(**options)

    @contextmanager
    def opened(self, url: str, port: int | None = None) -> Iterator[Any]:
        """Yield the store of a URL, which may connect to another port."""
        there = url if port is None else self.server.through(url, port)
        with get_store_from_url(there) as store:
            yield store

    @abstractmethod
    def is_write(self, request: Request) -> bool:
        """Tell whether a request changes anything."""

    @abstractmethod
    def is_conditional(self, request: Request) -> bool:
        """Tell whether a request is a write that depends on what is there."""


class Redis(Backend):
    name = "redis"
    tries = 2
    short = ({"after": 3}, {"after": 100}, {"after": 100_000})
    places = (*({"after": number} for number in (0, 1, 2, 9, 60)), *short)
    stalls = ({}, {"after": 100_000})
    read_at_once = VALUES
    least_faults = 3
    shortest_answer_bytes = 4
    create_rounds = 50
    interrupted_after_secs = (1e-5, 1e-3)

    def is_write(self, request: Request) -> bool:
        return request.method in ("SET", "EVALSHA", "EVAL", "DEL", "COPY", "PEXPIRE")

    def is_conditional(self, request: Request) -> bool:
        return request.method in ("SET", "EVALSHA", "EVAL")


class ObjectStore(Backend):
    """A backend of buckets, asked by HTTP.

    Attributes
    ----------
    put_file_bytes, put_bytes : int
        How much `put_file` and `put` send with one request, at least.
    deleted_at_once : int
        How many keys one request deletes.
    busy : sequence of int
        The statuses of a server that has no time.
    complaint : str
        How an error shows a refusal, after its status.
    """

    short = tuple({"body": number} for number in (0, 1, 40, 150, 200_000))
    _headers = (
        "Accept-Ranges:",
        "Content-Length:",
        "Content-Type:",
        "Content-MD5:",
        "Date:",
        "ETag:",
        "Last-Modified:",
        "X-Goog-",
        # In the middle of one.
        "tent-Length",
        "-Range: bytes",
        "/x-own",
        "eration:",
        "crc32c=",
        "\r\n\r\n",
    )
    places = (
        *({"after": number} for number in (0, 1, 9, 12, 13, 16, 17, 60, 200)),
        *({"before": text} for text in _headers),
        *short,
    )
    stalls = ({}, {"before": "ETag"}, {"body": 1})
    put_file_bytes: ClassVar[int] = 4 * 2**20
    put_bytes: ClassVar[int] = 4 * 2**20
    deleted_at_once: ClassVar[int]
    busy: ClassVar[Sequence[int]] = (429, 500, 502, 503, 504)
    complaint: ClassVar[str] = "TheReason"

    def is_write(self, request: Request) -> bool:
        return request.method in ("PUT", "DELETE", "POST")

    def is_conditional(self, request: Request) -> bool:
        return self.is_write(request) and self.condition(request) is not None

    def condition(self, request: Request) -> str | None:
        """Return the etag that a request asks for, or ``*`` where none may be there."""
        if request.headers.get("if-none-match") == "*":
            return "*"
        return request.headers.get("if-match", "").strip('"') or None

    @staticmethod
    @abstractmethod
    def refusal(status: int, code: str = "TheReason", **options: Any) -> Answer:
        """Return a fault: the server refuses, in its words."""

    @classmethod
    def missing(cls, **options: Any) -> Answer:
        """Return a fault: the server says that there is no value."""
        return cls.refusal(404, cls._missing, **options)

    _missing: ClassVar[str]

    @abstractmethod
    def is_part(self, request: Request) -> bool:
        """Tell whether a request brings a part of a large value."""

    @abstractmethod
    def raw_names(self, store: Any) -> set[str]:
        """Name the objects of the bucket of a store, whatever made them."""

    @abstractmethod
    def unfinished(self, store: Any, requests: Sequence[Request]) -> int:
        """Count the uploads that were begun and neither completed nor given up."""


def _answer(status: int, body: str, *lines: str, **options: Any) -> Answer:
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    head = "\r\n".join([first, f"Content-Length: {len(body)}", *lines, "", ""])
    return Answer(f"{head}{body}".encode(), **options)


def _xml(code: str) -> str:
    return f"<Error><Code>{code}</Code><Message>because</Message></Error>"


class S3(ObjectStore):
    name = "s3"
    deleted_at_once = 1000
    _missing = "NoSuchKey"
    methods: ClassVar = {
        "read": "GET",
        "look": "GET",
        "write": "PUT",
        "write if": "PUT",
        "copy": "PUT",
        "delete": "DELETE",
        "delete if": "DELETE",
        "delete many": "POST",
        "delete one of many": "POST",
        "list": "GET",
        "ping": "GET",
    }

    @staticmethod
    def refusal(status: int, code: str = "TheReason", **options: Any) -> Answer:
        return _answer(status, _xml(code), **options)

    def is_part(self, request: Request) -> bool:
        return "partNumber" in request.query

    def raw_names(self, store: Any) -> set[str]:
        return {found.key for found in store.bucket.objects.all()}

    def unfinished(self, store: Any, requests: Sequence[Request]) -> int:
        del requests
        return len(list(store.bucket.multipart_uploads.all()))


class Azure(ObjectStore):
    name = "azure"
    put_bytes = 20 * 2**20
    deleted_at_once = 256
    _missing = "BlobNotFound"
    methods: ClassVar = S3.methods | {
        "look": "HEAD",
        "delete one of many": "DELETE",
        "ping": "HEAD",
    }

    @staticmethod
    def refusal(status: int, code: str = "TheReason", **options: Any) -> Answer:
        lines = [f"x-ms-error-code: {code}"] if code else []
        return _answer(status, _xml(code), *lines, **options)

    def is_part(self, request: Request) -> bool:
        return request.query.get("comp") == "block"

    def raw_names(self, store: Any) -> set[str]:
        return set(store.blob_container_client.list_blob_names())

    def unfinished(self, store: Any, requests: Sequence[Request]) -> int:
        # Azure has no uploads, only blocks that nobody can see and that it drops.
        del store, requests
        return 0


class GCS(ObjectStore):
    name = "gcs"
    put_file_bytes = 8 * 2**20
    put_bytes = 9 * 2**20
    deleted_at_once = 100
    busy = (408, 500, 502, 503, 504)
    interrupted_after_secs = (5e-5, 1.5e-3)
    _missing = "No such object: bucket/key"
    methods: ClassVar = S3.methods | {
        "write": "POST",
        "write if": "POST",
        "copy": "POST",
        "delete one of many": "DELETE",
    }

    def url(self, **options: Any) -> str:
        from tests.net.gcs_account import with_account  # it loads Google's SDK

        return with_account(super().url(**options))

    @contextmanager
    def opened(self, url: str, port: int | None = None) -> Iterator[Any]:
        with at_port(port or self.server.port), get_store_from_url(url) as store:
            yield store

    def condition(self, request: Request) -> str | None:
        asked = request.query.get("ifGenerationMatch")
        return "*" if asked == "0" else asked

    @staticmethod
    def refusal(status: int, code: str = "TheReason", **options: Any) -> Answer:
        error = {"code": status, "message": code}
        return _answer(status, json.dumps({"error": error}), **options)

    def is_part(self, request: Request) -> bool:
        return request.method == "PUT"

    def raw_names(self, store: Any) -> set[str]:
        return {found.name for found in store.bucket.list_blobs()}

    def unfinished(self, store: Any, requests: Sequence[Request]) -> int:
        del store
        begun = [r for r in requests if r.method == "POST"]
        begun = [r for r in begun if r.query.get("uploadType") == "resumable"]
        ended = [r for r in requests if r.method == "DELETE" and "upload_id" in r.query]
        return len(begun) - len(ended)


@contextmanager
def at_port(port: int) -> Iterator[None]:
    """Let stores on Google that connect first in this block find it at a port."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(EMULATOR, f"http://{HOST}:{port}")
        yield


KINDS: Final[dict[str, type[Backend]]] = {
    kind.name: kind for kind in (Redis, S3, Azure, GCS)
}
OBJECT_STORES: Final = ("s3", "azure", "gcs")


def as_parameters(names: Iterable[str]) -> list[Any]:
    """Name the servers of backends, as tests/serving.py knows them."""
    return [pytest.param(f"{name}_server", id=name) for name in names]


def one_of(*names: str) -> Any:
    """Return a fixture of the backends that a file is about."""

    @pytest.fixture(scope="module", params=as_parameters(names))
    def backend(request: pytest.FixtureRequest) -> Backend:
        server = request.getfixturevalue(request.param)
        return KINDS[server.scheme](server)

    return backend


def on(*names: str) -> pytest.MarkDecorator:
    """Let tests run on some of the backends only."""
    return pytest.mark.parametrize("backend", as_parameters(names), indirect=True)
