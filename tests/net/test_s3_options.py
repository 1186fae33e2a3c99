"""Every option of an S3 URL for what it does."""

import gc
import os
import pickle
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from urllib3.exceptions import InsecureRequestWarning

from minimalkv import (
    AccessDenied,
    InvalidArgument,
    InvalidURL,
    StoreError,
    StoreUnavailable,
    Unsupported,
    get_store_from_url,
)
from minimalkv.net import _s3_client
from minimalkv.net.boto3store import Boto3Store
from tests.backends.process import HOST
from tests.backends.s3 import S3Server
from tests.net import s3_engine
from tests.net.s3_engine import Engine
from tests.net.uses import Source
from tests.proxy import Proxy

_USER = "AKIDEXAMPLE"
_ROLE = "arn:aws:iam::123456789012:role/reader"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with s3_engine.running() as engine:
        yield engine


def _url(engine: Engine, query: str) -> str:
    return f"hs3://{_USER}:secret@{HOST}:{engine.port}/bucket?is_secure=false&{query}"


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


# The bucket.


def test_bucket_with_the_access_key_is_found(s3_server: S3Server) -> None:
    url = s3_server.url(create=False)
    old = f"{s3_server.namespace(url)}-{s3_server.credentials.name}"
    with s3_server.client() as client:
        client.create_bucket(Bucket=old)
        client.put_object(Bucket=old, Key="key", Body=b"of version 1")
    with closing(get_store_from_url(url)) as store:
        with pytest.warns(DeprecationWarning, match=f"'{old}' is used"):
            assert store.get("key") == b"of version 1"
        store.copy("key", "copy")
        assert store.keys() == ["copy", "key"]
        assert old in repr(store)
        assert store == get_store_from_url(url)


def test_bucket_suffix_can_be_forbidden(s3_server: S3Server) -> None:
    url = s3_server.url(
        create=False, force_bucket_suffix=False, create_if_missing=False
    )
    with s3_server.client() as client:
        old = f"{s3_server.namespace(url)}-{s3_server.credentials.name}"
        client.create_bucket(Bucket=old)
    with closing(get_store_from_url(url)) as store, pytest.raises(StoreError):
        store.get("key")


def test_named_bucket_goes_before_the_one_with_a_suffix(s3_server: S3Server) -> None:
    url = s3_server.url()
    with s3_server.client() as client:
        old = f"{s3_server.namespace(url)}-{s3_server.credentials.name}"
        client.create_bucket(Bucket=old)
        client.put_object(Bucket=old, Key="key", Body=b"of version 1")
    with Proxy(s3_server.port) as proxy:
        through = s3_server.through(url, proxy.port)
        with closing(get_store_from_url(through)) as store:
            assert "key" not in store
        assert len(proxy.requests) == 1


def test_prefix_stands_before_keys_as_it_is_written(s3_server: S3Server) -> None:
    url = s3_server.url()
    bucket = s3_server.namespace(url)
    with closing(get_store_from_url(url.replace("?", "/in/pre?"))) as store:
        store.put("key", b"value")
        assert list(store) == ["key"]
        assert list(store.iter_prefixes("/")) == ["key"]
    with s3_server.client() as client:
        found = client.list_objects_v2(Bucket=bucket)["Contents"]
    assert [entry["Key"] for entry in found] == ["in/prekey"]


def test_bucket_name_that_s3_does_not_take_is_named(s3_server: S3Server) -> None:
    store = Boto3Store("a", host="example.org", access_key="a", secret_key="b")
    with pytest.raises(StoreError, match="'a'"):
        store.get("key")


# The connection.


def test_tls_is_checked_unless_told_otherwise(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(s3_server.port, tls=True) as proxy:
        url = s3_server.through(s3_server.url(is_secure=True), proxy.port)
        checking = get_store_from_url(url)
        with pytest.raises(StoreUnavailable, match="certificate"), checking:
            checking.put("key", b"value")
        trusting = get_store_from_url(f"{url}&verify=false")
        with pytest.warns(InsecureRequestWarning), trusting:
            trusting.put("key", b"value")
        monkeypatch.setenv("AWS_CA_BUNDLE", proxy.ca_file)
        with closing(get_store_from_url(f"{url}&verify=true")) as store:
            assert store.get("key") == b"value"
            proxy.reset_counts()
            store.put_file("large", Source(6 * 2**20))
            assert store.head("large").size == 6 * 2**20
        part = proxy.requests[1].headers
        assert part["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
        assert part["x-amz-checksum-crc32"]


def test_region_is_signed(s3_server: S3Server) -> None:
    url = s3_server.url(region_name="eu-central-1")
    with closing(get_store_from_url(url)) as store:
        store.put("key", b"value")
        assert "%2Feu-central-1%2Fs3%2F" in store.url_for("key")


def test_session_token_is_sent(engine: Engine) -> None:
    with closing(get_store_from_url(_url(engine, "session_token=a-token"))) as store:
        store.put("key", b"value")
    assert engine.seen[-1].headers["x-amz-security-token"] == "a-token"
    assert _USER in engine.seen[-1].headers["authorization"]


def test_no_more_connections_are_made_than_are_kept(s3_server: S3Server) -> None:
    values = {f"key-{number}": b"value" for number in range(8)}
    with Proxy(s3_server.port) as proxy:
        url = s3_server.through(s3_server.url(max_connections=2), proxy.port)
        with closing(get_store_from_url(url)) as store:
            store.put_many(values)
            assert store.get_many(values) == values
            store.put_file("large", Source(16 * 2**20))
        assert proxy.connections <= 2


def test_aws_is_meant_without_a_host(no_credentials: pytest.MonkeyPatch) -> None:
    no_credentials.setenv("AWS_ACCESS_KEY_ID", "AKID")
    no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    url = "hs3:///my-bucket/pre-?region_name=eu-central-1"
    with closing(get_store_from_url(url)) as store:
        place = urlsplit(store.url_for("a b"))
    assert place.netloc == "my-bucket.s3.eu-central-1.amazonaws.com"
    assert place.path == "/pre-a%20b"
    assert "AKID%2F" in place.query


def test_default_chain_finds_credentials(
    s3_server: S3Server, no_credentials: pytest.MonkeyPatch
) -> None:
    name, secret = s3_server.credentials
    # A name, so that the bucket must not become a part of it.
    endpoint = f"http://localhost:{s3_server.port}"
    no_credentials.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    bucket = s3_server.namespace(s3_server.url())
    anonymous = get_store_from_url(f"hs3:///{bucket}")
    with pytest.raises(AccessDenied, match="AWS_ACCESS_KEY_ID"), anonymous:
        anonymous.get("key")
    no_credentials.setenv("AWS_ACCESS_KEY_ID", name)
    no_credentials.setenv("AWS_SECRET_ACCESS_KEY", secret)
    with closing(get_store_from_url(f"hs3:///{bucket}")) as store:
        assert store.add("key", b"value")
        assert not store.add("key", b"value")


# Conditions.


def test_engine_that_ignores_conditions_is_noticed(engine: Engine) -> None:
    with closing(get_store_from_url(_url(engine, "timeout=5"))) as store:
        store.put("key", b"value")
        writes: list[Any] = [
            lambda: store.add("key", b"new"),
            lambda: store.put("key", b"new", if_match="an-etag"),
            lambda: store.delete("key", if_match="an-etag"),
            lambda: store.put_file("key", Source(6 * 2**20), if_absent=True),
            lambda: store.update("key", lambda _: b"new"),
        ]
        for write in writes:
            with pytest.raises(Unsupported, match=f"{engine.port} ignores If-Match"):
                write()
        assert engine.objects == {"/bucket/key": b"value"}


def test_conditions_can_be_switched_off(engine: Engine) -> None:
    with closing(get_store_from_url(_url(engine, "conditional=false"))) as store:
        assert not store.conditional_support
        with pytest.raises(Unsupported):
            store.add("key", b"value")
        store.put("key", b"value")
    assert [seen.method for seen in engine.seen] == ["PUT"]


def test_engine_that_is_trusted_is_not_probed(engine: Engine) -> None:
    with closing(get_store_from_url(_url(engine, "conditional=true"))) as store:
        store.put("key", b"value", if_absent=True)
    (seen,) = engine.seen
    assert seen.headers["if-none-match"] == "*"


def test_on_aws_the_upload_itself_has_the_condition(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_s3_client, "is_aws", lambda _: True)
    with Proxy(s3_server.port) as proxy:
        url = s3_server.through(s3_server.url(), proxy.port)
        with closing(get_store_from_url(url)) as store:
            assert store.put_file("key", Source(6 * 2**20), if_absent=True)
            with pytest.raises(StoreError):
                store.put_file("key", Source(6 * 2**20), if_absent=True)
            assert proxy.requests[3].headers["if-none-match"] == "*"
            methods = ["POST", "PUT", "PUT", "POST"]
            assert proxy.methods == [*methods, *methods, "DELETE"]
            assert store.keys() == ["key"]
            # There, a backslash is kept.
            proxy.reset_counts()
            store.put("a\\b", b"value")
            assert proxy.requests[0].path.endswith("/a%5Cb")


# Roles.


def _role(**more: str) -> str:
    options = {"RoleArn": _ROLE, **more}
    words = [f"sts_assume_role__{name}={value}" for name, value in options.items()]
    return "&".join(["is_sts_credentials=true", *words])


def test_role_is_assumed_when_it_is_needed(engine: Engine) -> None:
    query = _role(RoleSessionName="tests", DurationSeconds="900", ExternalId="id")
    with closing(get_store_from_url(_url(engine, query))) as store:
        assert engine.seen == []
        for _ in range(3):
            store.put("key", b"value")
        copied = pickle.loads(pickle.dumps(store))
    (role,) = engine.roles
    assert (role["RoleArn"], role["RoleSessionName"]) == ([_ROLE], ["tests"])
    assert (role["DurationSeconds"], role["ExternalId"]) == (["900"], ["id"])
    assert _USER in engine.seen[0].headers["authorization"]
    headers = engine.seen[-1].headers
    assert "Credential=ASSUMED1/" in headers["authorization"]
    assert headers["x-amz-security-token"] == "token-1"
    with closing(copied):
        copied.put("key", b"value")
    assert len(engine.roles) == 2


def test_role_is_assumed_again_before_it_ends(engine: Engine) -> None:
    # So short that it has to be renewed for each request.
    engine.role_secs = 60
    with closing(get_store_from_url(_url(engine, _role()))) as store:
        store.put("key", b"value")
        store.put("key", b"value")
    assert len(engine.roles) == 2
    assert "Credential=ASSUMED2/" in engine.seen[-1].headers["authorization"]


def test_role_that_is_refused_is_named(engine: Engine) -> None:
    engine.trusts = False
    with closing(get_store_from_url(_url(engine, _role()))) as store:
        with pytest.raises(AccessDenied, match="sts:AssumeRole"):
            store.get("key")
        with pytest.raises(AccessDenied, match="sts:AssumeRole"):
            store.put("key", b"value")
    assert engine.objects == {}


def test_sts_may_be_elsewhere(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_engine.running() as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://{HOST}:{sts.port}")
        with closing(get_store_from_url(_url(engine, _role()))) as store:
            store.put("key", b"value")
        assert len(sts.roles) == 1
    assert engine.roles == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("is_sts_credentials=true", "RoleArn=arn:aws:iam"),
        (f"sts_assume_role__RoleArn={_ROLE}", "is_sts_credentials"),
        (_role(DurationSeconds="soon"), "DurationSeconds"),
        (_role(DurationSeconds="60"), "at least 900"),
    ],
)
def test_contradicting_options_are_refused(query: str, reason: str) -> None:
    with pytest.raises((InvalidArgument, InvalidURL), match=reason):
        get_store_from_url(f"hs3://a:b@example.org/bucket?{query}")


def test_a_store_that_outlives_its_modules_says_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Boto3Store("a", host="example.org", access_key="a", secret_key="b")
    assert store.conditional_support
    # As when a process ends; pytest tells what a finalizer raises.
    monkeypatch.setattr("minimalkv.net._s3_client.suppress", None)

    del store
    gc.collect()
