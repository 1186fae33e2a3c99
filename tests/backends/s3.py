"""SeaweedFS, which speaks S3."""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from tests.backends import programs
from tests.backends.base import Credentials, StoreServer, query_of, send


class S3Server(StoreServer):
    """SeaweedFS; a namespace is a bucket.

    Attributes
    ----------
    reader : Credentials
        May read and list, nothing else.
    blind : Credentials
        May read and write, and not list.
    """

    scheme = "s3"
    credentials = Credentials("writer", "the/secret+of a writer")
    reader = Credentials("reader", "the/secret+of a reader")
    blind = Credentials("blind", "the/secret+of a blind one")
    port_count = 8
    # One volume at a time rather than seven: large objects take a third less time.
    environment: ClassVar = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}

    def _command(self, folder: Path) -> list[str]:
        config = folder / "identities.json"
        config.write_text(json.dumps(self._identities()), "utf-8")
        (folder / "data").mkdir(exist_ok=True)
        names = ("s3", "master", "volume", "filer")
        options = {
            **{f"{name}.port": self.ports[i] for i, name in enumerate(names)},
            # Their default, a port 10 000 higher, may not exist.
            **{f"{name}.port.grpc": self.ports[4 + i] for i, name in enumerate(names)},
            "ip": self.host,
            "dir": folder / "data",
            "s3": "true",
            "s3.config": config,
            "s3.autoCreateBucket": "false",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "volume.max": 1000,
            "master.volumeSizeLimitMB": 1024,
            "master.telemetry": "false",
            # Alone it needs no election, which would now and then take 5 s more.
            "master.peers": "none",
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        return [programs.weed(), f"-logdir={folder}", "server", *arguments]

    def _identities(self) -> dict[str, object]:
        actions = {
            self.credentials: ["Admin", "Read", "Write", "List", "Tagging"],
            self.reader: ["Read", "List"],
            self.blind: ["Read", "Write"],
        }
        identities = [
            {
                "name": who.name,
                "credentials": [{"accessKey": who.name, "secretKey": who.secret}],
                "actions": may,
            }
            for who, may in actions.items()
        ]
        return {"identities": identities}

    def _outside(self) -> Iterable[str]:
        # Written there whatever TMPDIR says.
        return [f"tmp/seaweedfs-*-{port}.sock" for port in self.ports]

    def _prepare(self) -> None:
        self._share_volumes()
        with self.client() as client:
            with suppress(client.exceptions.BucketAlreadyOwnedByYou):
                client.create_bucket(Bucket="probe")
            client.put_object(Bucket="probe", Key="probe", Body=b"a volume")

    def _share_volumes(self) -> None:
        """Let all buckets share volumes.

        Each would take at least one of its own, 0.2 s for the first object, and
        after a few hundred buckets there would be none left.
        """
        rule = {"locationPrefix": "/buckets/", "collection": "shared"}
        settings = json.dumps({"version": 1, "locations": [rule]})
        part = 'Content-Disposition: form-data; name="file"; filename="filer.conf"'
        send(
            self.ports[3],
            "POST",
            "/etc/seaweedfs/filer.conf",
            f"--=\r\n{part}\r\n\r\n{settings}\r\n--=--\r\n",
            {"Content-Type": 'multipart/form-data; boundary="="'},
        )

    @contextmanager
    def client(self, port: int | None = None) -> Iterator[Any]:
        """Yield a boto3 client, which may use the port of a proxy, and close it."""
        # Making one takes 10 ms; a closed one opens new connections when used again.
        with closing(self._client if port is None else self._new_client(port)) as found:
            yield found

    @cached_property
    def _client(self) -> Any:
        return self._new_client(self.port)

    def _new_client(self, port: int) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.host}:{port}",
            region_name="us-east-1",
            aws_access_key_id=self.credentials.name,
            aws_secret_access_key=self.credentials.secret,
            config=Config(
                connect_timeout=5,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )

    def namespace(self, url: str) -> str:
        return urlsplit(url).path.split("/")[1]

    def _new_namespace(self, *, create: bool) -> str:
        name = self._new_bucket_name()
        if create:
            with self.client() as client:
                client.create_bucket(Bucket=name)
        return name

    def _url(self, name: str, userinfo: str, options: dict[str, str]) -> str:
        query = query_of({"is_secure": "false", **options})
        return f"s3://{userinfo}{self.host}:{self.port}/{name}{query}"
