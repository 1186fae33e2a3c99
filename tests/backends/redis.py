"""Valkey, which speaks Redis."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.backends import programs
from tests.backends.base import Credentials, StoreServer, query_of
from tests.backends.process import HOST


class RedisServer(StoreServer):
    """Valkey; a namespace is a database, which exists and is empty.

    Attributes
    ----------
    reader : Credentials
        May read and list, nothing else.
    """

    scheme = "redis"
    credentials = Credentials("default", "the secret of redis/+:@")
    reader = Credentials("reader", "may only read")
    databases: int = 8192

    def _command(self, folder: Path) -> list[str]:
        config = folder / "valkey.conf"
        config.write_text(
            f"bind {HOST}\nport {self.port}\ndir {folder}\n"
            f'save ""\ndatabases {self.databases}\n'
            f'requirepass "{self.credentials.secret}"\n'
            f'user {self.reader.name} on ~* +@read +@connection "'
            f'>{self.reader.secret}"\n',
            "utf-8",
        )
        return [programs.valkey(), str(config)]

    def _prepare(self) -> None:
        with self.client() as client:
            client.ping()

    @contextmanager
    def client(self, url: str = "") -> Iterator[Redis]:
        """Yield a client of the database of a URL, and close it."""
        client = Redis(
            self.host,
            self.port,
            db=int(self.namespace(url)),
            password=self.credentials.secret,
            socket_timeout=10,
            retry=Retry(NoBackoff(), 0),
        )
        with closing(client):
            yield client

    def namespace(self, url: str) -> str:
        return urlsplit(url).path.removeprefix("/") or "0"

    def _new_namespace(self, *, create: bool) -> str:
        del create
        number = next(self._numbers)
        name = str(number % self.databases)
        if number >= self.databases:
            with self.client(f"/{name}") as client:
                client.flushdb()
        return name

    def _url(self, name: str, userinfo: str, options: dict[str, str]) -> str:
        at = f"{userinfo}{self.host}:{self.port}"
        return f"redis://{at}/{name}{query_of(options)}"
