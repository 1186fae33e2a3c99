"""Options, credentials and buckets of S3 that are not as they should be."""

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore.config import Config

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    StoreError,
    StoreUnavailable,
    Unsupported,
    get_store_from_url,
)
from minimalkv.net._s3_settings import is_aws
from minimalkv.net.boto3store import Boto3Store
from minimalkv.net.s3fsstore import Credentials, S3FSStore
from tests.backends.process import HOST, free_ports
from tests.backends.s3 import S3Server
from tests.net.backend import S3
from tests.net.by_url import send
from tests.proxy import Proxy, Request

_TOKEN = "SECRETTOKEN"
_USES: dict[str, Callable[[Any], object]] = {
    "get": lambda store: store.get("key"),
    "list": lambda store: store.keys(),
    "add": lambda store: store.add("key", b"value"),
    "backslash": lambda store: store.get("a\\b"),
    "url": lambda store: store.url_for("key"),
}


def _is_head_of_bucket(request: Request) -> bool:
    return request.method == "HEAD" and request.path.count("/") == 1


# Options.


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"aws_access_key_id": "a"}, "Did you mean 'access_key'"),
        ({"endpoint": "http://minio:9000"}, "Unknown argument 'endpoint'"),
        ({"endpoint_url": "http://minio:9000"}, "Unknown argument"),
        ({"given": 1}, "Unknown argument"),
        ({"role": {}}, "Unknown argument"),
        ({"access_key": "a"}, "go together"),
        ({"secret_key": "a"}, "go together"),
        ({"timeout": 0}, "timeout is"),
        ({"timeout": -1}, "timeout is"),
        ({"timeout": "soon"}, "not 'soon'"),
        ({"max_connections": 0}, "max_connections is"),
        ({"metadata": {"a": "x\ny"}}, "metadata"),
        ({"metadata": {"ä": "x"}}, "metadata"),
    ],
)
def test_options_that_cannot_be_are_refused(
    options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        Boto3Store("bucket", **options)


@pytest.mark.parametrize("name", ["access_key", "secret_key", "session_token"])
@pytest.mark.parametrize("text", [f"{_TOKEN}\n", f" {_TOKEN}", f"{_TOKEN}\r"])
def test_credential_with_a_line_break_is_refused_and_not_shown(
    name: str, text: str
) -> None:
    options: dict[str, Any] = {"access_key": "a", "secret_key": "b", name: text}
    with pytest.raises(InvalidArgument, match=f"{name} has a line break") as caught:
        Boto3Store("bucket", **options)
    assert _TOKEN not in str(caught.value)


def test_token_of_the_environment_is_not_shown(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, secret = s3_server.credentials
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", name)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{_TOKEN}\n")
    bucket = s3_server.namespace(s3_server.url())
    host = f"{HOST}:{s3_server.port}"
    store = Boto3Store(bucket, host=host, is_secure=False)
    with closing(store), pytest.raises(StoreError, match="line breaks") as caught:
        store.put("key", b"value")
    error: BaseException | None = caught.value
    assert "Nothing was written" in str(error)
    while error is not None:
        assert _TOKEN not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", _USES)
def test_what_no_client_can_be_made_of_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    underscore = Boto3Store("b-u-c", host="my_minio:9000", is_secure=False)
    with pytest.raises(InvalidArgument, match="'_'"):
        _USES[name](underscore)
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    with pytest.raises(InvalidArgument, match="of-nobody"):
        _USES[name](Boto3Store("bucket"))
    monkeypatch.delenv("AWS_PROFILE")
    for variable in list(os.environ):
        if variable.startswith("AWS_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "alone")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AccessDenied, match="AWS_SECRET_ACCESS_KEY"):
        _USES[name](Boto3Store("bucket"))


def test_server_that_a_variable_names_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{HOST}:{port}")
    store = Boto3Store("bucket", access_key="a", secret_key="b")
    with pytest.raises(StoreUnavailable, match=f"{HOST}:{port} cannot be reached"):
        store.get("key")


def test_settings_of_a_ready_bucket_are_kept() -> None:
    config = Config(read_timeout=3, connect_timeout=2, max_pool_connections=50)
    resource = boto3.resource("s3", region_name="us-east-1", config=config)
    bucket = resource.Bucket("bucket")
    cases: tuple[tuple[Any, tuple[int, int, int]], ...] = (
        ({}, (3, 2, 50)),
        ({"timeout": 7}, (7, 7, 50)),
    )
    for options, expected in cases:
        store = Boto3Store(bucket, **options)
        kept = store._calls.connection.client.meta.config
        found = kept.read_timeout, kept.connect_timeout, kept.max_pool_connections
        assert found == expected


@pytest.mark.parametrize(
    "host",
    [
        "s3.eu-central-1.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
        "s3.eusc-de-east-1.amazonaws.eu",
        "s3.us-iso-east-1.c2s.ic.gov",
    ],
)
def test_every_cloud_of_amazons_is_known(host: str) -> None:
    assert is_aws(f"https://{host}")
    assert not is_aws(f"https://{host}.example.org")


def test_old_store_has_its_attributes() -> None:
    credentials = Credentials("key", "secret", None)
    options: dict[str, Any] = {"verify": False, "region_name": "eu-west-1"}
    store = S3FSStore("bucket", credentials, **options)
    assert store.credentials is credentials
    assert (store.verify, store.region_name) == (False, "eu-west-1")
    assert store.endpoint_url is None
    assert "secret" not in repr(store.credentials)
    with pytest.warns(UserWarning, match="is_sts_credentials"):
        store = S3FSStore("bucket", sts_assume_role_params={"RoleArn": "arn"})
    assert S3FSStore("bucket", host="example.org").endpoint_url == "https://example.org"


# Buckets.


def test_bucket_of_version_1_is_not_hidden_by_a_new_one(s3_server: S3Server) -> None:
    url = s3_server.url(create=False)
    named = s3_server.namespace(url)
    old = f"{named}-{s3_server.credentials.name}"
    with s3_server.client() as client, Proxy(s3_server.port) as proxy:
        client.create_bucket(Bucket=old)
        client.put_object(Bucket=old, Key="key", Body=b"of version 1")
        through = s3_server.through(url, proxy.port)
        for status, expected in ((500, StoreUnavailable), (403, AccessDenied)):
            proxy.fault = S3.refusal(status, on=_is_head_of_bucket)
            store = get_store_from_url(through)
            with closing(store), pytest.raises(expected, match=old):
                store.get("key")
        proxy.fault = S3.refusal(503, on=_is_head_of_bucket, times=1)
        store = get_store_from_url(through)
        with closing(store), pytest.warns(DeprecationWarning, match=old):
            assert store.get("key") == b"of version 1"
        assert named not in {b["Name"] for b in client.list_buckets()["Buckets"]}


def test_denied_access_leads_to_no_other_bucket(s3_server: S3Server) -> None:
    url = s3_server.url()
    old = f"{s3_server.namespace(url)}-{s3_server.credentials.name}"
    with s3_server.client() as client, Proxy(s3_server.port) as proxy:
        client.create_bucket(Bucket=old)
        client.put_object(Bucket=old, Key="key", Body=b"old")
        with closing(get_store_from_url(url)) as store:
            store.put("key", b"new")
        proxy.fault = S3.refusal(403, "AccessDenied", times=2)
        with closing(get_store_from_url(s3_server.through(url, proxy.port))) as store:
            with pytest.raises(AccessDenied, match=f"values are in '{old}'"):
                store.get("denied")
            proxy.fault = None
            assert store.get("key") == b"new"
            proxy.fault = S3.refusal(403, "AccessDenied")
            with pytest.raises(AccessDenied) as caught:
                store.get("denied")
            assert old not in str(caught.value)


# URLs.


def test_url_to_put_needs_no_headers(s3_server: S3Server) -> None:
    url = s3_server.url()
    options: dict[str, Any] = {
        "host": f"{HOST}:{s3_server.port}",
        "access_key": s3_server.credentials.name,
        "secret_key": s3_server.credentials.secret,
        "is_secure": False,
    }
    bucket = s3_server.namespace(url)
    plain: dict[str, Any] = {"metadata": {"u": "1"}, "reduced_redundancy": True}
    with closing(Boto3Store(bucket, **plain, **options)) as store:
        assert send(store.url_for("key", method="PUT"), "PUT", b"value")[0] == 200
        assert store.get("key") == b"value"
    store = Boto3Store(bucket, public=True, **options)
    with closing(store), pytest.raises(Unsupported, match="not public"):
        store.url_for("key", method="PUT")
