"""Who asks, whether there is a bucket, and each permission by its name."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import (
    ResourceTypes,
    generate_account_sas,
)

from minimalkv import get_store_from_url
from minimalkv.net.gcstore import GoogleCloudStore
from tests.backends.azure import AzureServer
from tests.backends.base import Credentials, StoreServer
from tests.backends.gcs import GCSServer
from tests.backends.process import HOST
from tests.backends.redis import RedisServer
from tests.backends.s3 import S3Server
from tests.checking.looking import cause, looked_at, one, statuses
from tests.net.backend import EMULATOR, GCS
from tests.net.gcs_account import account_json
from tests.proxy import Answer, Proxy, Request

servers = pytest.mark.parametrize(
    "server", ["s3_server", "azure_server", "gcs_server"], indirect=True
)


def failed(url: str) -> dict[str, str]:
    """Return what failed, with its cure."""
    report = looked_at(url)
    assert not report.ok
    return {
        one.name: f"{one.text} {one.cure}"
        for one in report.findings
        if one.status == "failed"
    }


# Credentials.


def test_s3_tells_a_wrong_key(s3_server: S3Server) -> None:
    url = s3_server.url(credentials=Credentials("nobody", "a secret of nobody"))

    told = cause(looked_at(url), "credentials")

    assert "does not know the access key" in told
    assert "a secret of nobody" not in told


def test_s3_tells_a_wrong_secret(s3_server: S3Server) -> None:
    url = s3_server.url(credentials=Credentials("writer", "another secret"))

    told = cause(looked_at(url), "credentials")

    assert "the secret key is not that of the access key" in told
    assert "another secret" not in looked_at(url).to_json()


def test_azure_tells_a_wrong_key(azure_server: AzureServer) -> None:
    account = azure_server.credentials.name
    url = azure_server.url(credentials=Credentials(account, "d3JvbmcgMTIz"))

    assert "does not accept the account key" in cause(looked_at(url), "credentials")


def test_azure_tells_a_key_that_is_none(azure_server: AzureServer) -> None:
    account = azure_server.credentials.name
    url = azure_server.url(credentials=Credentials(account, "cut off"))

    found = one(looked_at(url), "credentials")

    assert found.status == "failed"
    assert "no Base64" in found.text
    assert "cut off" not in found.text


@pytest.mark.parametrize(
    ("userinfo", "words"),
    [
        ("default:wrong-secret@", "refused the user or the password"),
        ("nobody:wrong-secret@", "refused the user or the password"),
        ("", "asks for a password"),
    ],
)
def test_redis_tells_what_it_refuses(
    redis_server: RedisServer, userinfo: str, words: str
) -> None:
    url = f"redis://{userinfo}{redis_server.host}:{redis_server.port}/0"

    told = cause(looked_at(url), "credentials")

    assert words in told
    assert "wrong-secret" not in told


@pytest.mark.parametrize(
    "description", ["Invalid grant: account not found", "Invalid JWT Signature."]
)
def test_google_tells_what_it_refuses(
    gcs_server: GCSServer, monkeypatch: pytest.MonkeyPatch, description: str
) -> None:
    monkeypatch.delenv(EMULATOR)
    body = json.dumps({"error": "invalid_grant", "error_description": description})
    kind = "Content-Type: application/json"
    head = f"HTTP/1.1 400 No\r\n{kind}\r\nContent-Length: {len(body)}"
    with Proxy(gcs_server.port) as proxy:
        proxy.fault = Answer(
            f"{head}\r\n\r\n{body}".encode(),
            on=lambda request: request.path == "/token",
        )
        monkeypatch.setenv("API_ENDPOINT_OVERRIDE", f"http://{HOST}:{proxy.port}")
        report = looked_at(GoogleCloudStore(account_json(proxy.port), "bucket"))

    told = cause(report, "credentials")
    assert description.rstrip(".") in told
    assert "gcloud iam service-accounts keys create" in told
    assert "PRIVATE" not in report.to_json()


# The bucket.


@servers
def test_a_missing_bucket_is_told_and_not_made(server: StoreServer) -> None:
    url = server.url(create=False)

    report = looked_at(url)

    told = cause(report, "bucket")
    assert "does not exist" in told
    assert "create" in told
    assert server.namespace(url) in told
    assert one(report, "credentials").status == "ok"
    assert one(report, "write").status == "skipped"
    # It was not made meanwhile.
    assert "does not exist" in cause(looked_at(url), "bucket")
    with get_store_from_url(url) as store:
        store.put("a", b"")
        assert looked_at(url).ok


def test_a_missing_database_is_told(redis_server: RedisServer) -> None:
    url = redis_server.url().rpartition("/")[0]

    assert "out of range" in cause(looked_at(f"{url}/999999"), "bucket")


# Permissions.


@pytest.mark.parametrize(
    ("server", "write", "delete"),
    [
        ("s3_server", "s3:PutObject", "s3:DeleteObject"),
        ("redis_server", "+set", "+del"),
    ],
    indirect=["server"],
)
def test_a_key_that_may_only_read_is_told(server: Any, write: str, delete: str) -> None:
    url = server.url(credentials=server.reader)

    told = failed(url)

    assert told.keys() == {"write", "delete"}
    assert write in told["write"]
    assert delete in told["delete"]
    found = statuses(looked_at(url))
    assert found["list"] == found["read"] == found["bucket"] == "ok"
    assert found["sessions"] == "skipped"
    assert looked_at(url, read_only=True).ok


@pytest.mark.parametrize(
    ("names", "permissions"),
    [
        ({"write", "delete"}, ["objects.create", "objects.delete"]),
        ({"list"}, ["objects.list"]),
        ({"delete"}, ["objects.delete"]),
    ],
)
def test_google_tells_the_permissions_that_an_account_lacks(
    gcs_server: GCSServer, names: set[str], permissions: list[str]
) -> None:
    def is_denied(request: Request) -> bool:
        is_list = request.method == "GET" and request.path.endswith("/o")
        kinds = {"POST": "write", "DELETE": "delete"}
        return ("list" if is_list else kinds.get(request.method)) in names

    google = GCS(gcs_server)
    with Proxy(gcs_server.port) as proxy:
        proxy.fault = google.refusal(403, "Forbidden", on=is_denied)
        with google.opened(google.url(), proxy.port) as store:
            report = looked_at(store)
            proxy.fault = None
            assert google.raw_names(store) == set()

    denied = [one for one in report.findings if one.status == "failed"]
    assert {one.name for one in denied} == names
    told = " ".join(one.cure for one in denied)
    assert all(f"storage.{permission}" in told for permission in permissions)


def with_token(server: AzureServer, permission: str) -> str:
    """Return the URL of a new container with a token that allows no more."""
    token = generate_account_sas(
        server.credentials.name,
        server.credentials.secret,
        ResourceTypes(container=True, object=True),
        permission,
        datetime.now(UTC) + timedelta(hours=1),
    )
    account = Credentials(server.credentials.name, token)
    url = server.url(credentials=account, use_sas=True, create_if_missing=False)
    assert token.split("sig=")[1] not in looked_at(url).to_json()
    return url


def test_azure_tells_the_permissions_that_a_token_lacks(
    azure_server: AzureServer,
) -> None:
    reads = failed(with_token(azure_server, "rl"))
    assert reads.keys() == {"write", "delete"}
    assert "containers/blobs/write (in a token w and c)" in reads["write"]
    assert "containers/blobs/delete (in a token d)" in reads["delete"]

    assert failed(with_token(azure_server, "rwdc")).keys() == {"list"}
    assert failed(with_token(azure_server, "wdcl")).keys() == {"read"}
    assert looked_at(with_token(azure_server, "rwdlc")).ok


def test_s3_tells_that_a_key_may_not_list(s3_server: S3Server) -> None:
    url = s3_server.url(credentials=s3_server.blind)

    report = looked_at(url)

    assert "s3:ListBucket" in cause(report, "list")
    found = statuses(report)
    assert found["bucket"] == found["write"] == found["conditional"] == "ok"
    assert found["foreign-names"] == "skipped"
    assert "does not exist" in cause(
        looked_at(s3_server.url(create=False, credentials=s3_server.blind)), "bucket"
    )


def add_user(client: Any, name: str, *rules: str) -> None:
    client.execute_command("ACL", "SETUSER", name, *rules)


def test_redis_tells_that_a_user_may_not_list(redis_server: RedisServer) -> None:
    url = redis_server.url()
    with redis_server.client(url) as client:
        rules = ["on", ">pw", "~*", "+@all", "-scan"]
        add_user(client, "no-lister", *rules)
    place = url.rpartition("@")[2]

    report = looked_at(f"redis://no-lister:pw@{place}")

    assert "+scan" in cause(report, "list")
    assert one(report, "write").status == "ok"


def test_what_could_not_be_deleted_is_not_written(
    azure_server: AzureServer, redis_server: RedisServer
) -> None:
    url = with_token(azure_server, "rwlc")
    assert failed(url).keys() == {"delete"}
    assert one(looked_at(url), "write").status == "ok"
    with closing(get_store_from_url(url)) as store:
        assert list(store.iter_keys()) == []

    mine = redis_server.url()
    with redis_server.client(mine) as client:
        rules = ["on", ">pw", "~*", "+@all", "-del"]
        add_user(client, "keeper", *rules)
        place = mine.rpartition("@")[2]
        assert failed(f"redis://keeper:pw@{place}").keys() == {"delete"}
        assert client.dbsize() == 0
