"""A bucket of ours, and one of django-storages on the same server."""

from typing import Any, NamedTuple

from tests.servers import servers

PEER = "django-storages"


class Buckets(NamedTuple):
    """Where the files go.

    Attributes
    ----------
    url : str
        The store for ours, and the port in it.
    port : int
        Where the server listens.
    bucket, name, secret : str
        What django-storages has to know.
    """

    url: str
    port: int
    bucket: str
    name: str
    secret: str

    def through(self, port: int) -> "Buckets":
        """Return the same on another port."""
        url = self.url.replace(f":{self.port}/", f":{port}/")
        return self._replace(url=url, port=port)

    def options(self, **others: Any) -> dict[str, Any]:
        """Return the options of a storage of django-storages."""
        return {
            "endpoint_url": f"http://127.0.0.1:{self.port}",
            "region_name": "us-east-1",
            "bucket_name": self.bucket,
            "access_key": self.name,
            "secret_key": self.secret,
            **others,
        }


def new_buckets() -> Buckets:
    """Make both buckets."""
    server = servers.s3()
    url = server.url()
    with server.client() as client:
        bucket = f"theirs-of-{server.namespace(url)}"
        client.create_bucket(Bucket=bucket)
    return Buckets(url, server.port, bucket, *server.credentials)
