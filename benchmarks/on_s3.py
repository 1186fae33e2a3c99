"""S3: against a client of boto3."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3

from benchmarks import on_objects
from benchmarks.measure import Effort, Rows
from minimalkv import get_store_from_url
from tests.backends.s3 import S3Server
from tests.servers import servers

AIM = 0.85
AIM_OF_LISTINGS = 0.6


class Boto3:
    """A client of boto3 on one bucket."""

    name = "boto3"

    def __init__(self, client: Any, bucket: str) -> None:
        self.client = client
        self.bucket = bucket

    def get(self, key: str) -> bytes:
        """Return a value."""
        response = self.client.get_object(Bucket=self.bucket, Key=key)
        value: bytes = response["Body"].read()
        return value

    def put(self, key: str, value: bytes) -> object:
        """Replace a value."""
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=value)

    def head(self, key: str) -> object:
        """Return what is known about a value."""
        return self.client.head_object(Bucket=self.bucket, Key=key)

    def delete(self, key: str) -> object:
        """Remove a value."""
        return self.client.delete_object(Bucket=self.bucket, Key=key)

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with something."""
        paginator = self.client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix):
            yield from (found["Key"] for found in page.get("Contents", ()))


def rows(effort: Effort) -> Rows:
    """Measure small requests."""
    server = servers.s3()
    url = server.url()
    client = default_client(server)
    with closing(client), get_store_from_url(url) as store:
        bare = Boto3(client, server.namespace(url))
        yield from on_objects.rows("s3", bare, store, effort, AIM, AIM_OF_LISTINGS)


def default_client(server: S3Server) -> Any:
    """Return a client as boto3 makes it."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://{server.host}:{server.port}",
        region_name="us-east-1",
        aws_access_key_id=server.credentials.name,
        aws_secret_access_key=server.credentials.secret,
    )
