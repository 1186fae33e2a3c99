"""What a store on S3 is made of, what it stores, and what version 1 left there."""

import hashlib
import pickle
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from minimalkv import (
    InvalidArgument,
    StoreError,
    Unsupported,
    get_store,
    get_store_from_url,
)
from minimalkv._hstores import HBotoStore, HS3FSStore
from minimalkv.net.boto3store import Boto3Store
from minimalkv.net.botostore import BotoStore
from minimalkv.net.s3fsstore import Credentials, S3FSStore
from tests.backends.process import HOST
from tests.backends.s3 import S3Server
from tests.net import s3_engine
from tests.net.by_upstream import run_upstream
from tests.net.by_url import send
from tests.net.uses import Source
from tests.proxy import Proxy

# The forms of the constructor.


def _bucket(server: S3Server) -> Any:
    resource = boto3.resource(
        "s3",
        endpoint_url=f"http://{HOST}:{server.port}",
        region_name="us-east-1",
        aws_access_key_id=server.credentials.name,
        aws_secret_access_key=server.credentials.secret,
    )
    return resource.Bucket(server.namespace(server.url()))


def test_store_of_a_boto3_bucket_takes_its_settings(s3_server: S3Server) -> None:
    bucket = _bucket(s3_server)
    with closing(bucket.meta.client):
        store = Boto3Store(bucket, object_prefix="/pre-")
        assert store.bucket is bucket
        store.put("key", b"value")
        assert bucket.Object("pre-key").get()["Body"].read() == b"value"
        assert store.add("key", b"value") is False
        with pytest.raises(Unsupported, match="does not pickle"):
            pickle.dumps(store)
        store.close()
        # What was not opened here is not closed here.
        assert bucket.Object("pre-key").content_length == 5
        assert store.get("key") == b"value"
        store.close()


def test_anonymous_client_stays_anonymous() -> None:
    with s3_engine.running() as engine:
        config = Config(signature_version=UNSIGNED)
        url = f"http://{HOST}:{engine.port}"
        resource = boto3.resource("s3", endpoint_url=url, config=config)
        with closing(Boto3Store(resource.Bucket("bucket"))) as store:
            store.put("key", b"value")
        assert "authorization" not in engine.seen[-1].headers


def test_missing_bucket_of_a_resource_is_created_if_wanted(s3_server: S3Server) -> None:
    bucket = _bucket(s3_server)
    with closing(bucket.meta.client):
        bucket.delete()
        with closing(Boto3Store(bucket)) as store, pytest.raises(StoreError):
            store.put("key", b"value")
        with closing(Boto3Store(bucket, create_if_missing=True)) as store:
            store.put("key", b"value")


@pytest.mark.parametrize("host", ["http://example.org", "a b", "a/b", "a@b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidArgument, match="host is a host name"):
        Boto3Store("bucket", host=host)


@pytest.mark.parametrize("bucket", [None, 5, "", object], ids=repr)
def test_what_is_no_bucket_is_refused(bucket: Any) -> None:
    with pytest.raises(InvalidArgument, match="bucket is"):
        Boto3Store(bucket)


def test_old_prefix_argument_warns() -> None:
    with pytest.warns(DeprecationWarning, match="object_prefix"):
        store = Boto3Store("bucket", "pre-")
    assert store.object_prefix == "pre-"
    with pytest.warns(DeprecationWarning, match="object_prefix"):
        assert store.prefix == "pre-"


def test_old_classes_take_their_arguments() -> None:
    boto = BotoStore("bucket", "pre-", 60, True, True, {"a": "b"})
    assert isinstance(boto, Boto3Store)
    assert (boto.prefix, boto.url_valid_time, boto.metadata) == ("pre-", 60, {"a": "b"})
    key = Credentials("key", "secret", None)
    s3fs = S3FSStore("bucket", key, "pre-", 60, True, True, {"a": "b"}, False, "eu-x-1")
    assert s3fs == boto
    assert hash(s3fs) == hash(boto)
    assert "secret" not in repr(key)
    assert key.as_boto3_params()["aws_secret_access_key"] == "secret"
    assert HBotoStore("bucket").extended_keys
    assert HS3FSStore("bucket").extended_keys


def test_old_classes_work(s3_server: S3Server) -> None:
    bucket = _bucket(s3_server)
    key = Credentials(*s3_server.credentials, None)
    with closing(bucket.meta.client):
        for store in (S3FSStore(bucket, key, "a-"), BotoStore(bucket, "b-")):
            with closing(store):
                store.put("key", b"value")
                assert list(store) == ["key"]
        assert [found.key for found in bucket.objects.all()] == ["a-key", "b-key"]


def test_equal_stores_have_equal_settings(s3_server: S3Server) -> None:
    url = s3_server.url()
    store = get_store_from_url(url)
    assert store == get_store_from_url(url)
    assert store == pickle.loads(pickle.dumps(store))
    others = [
        get_store_from_url(s3_server.url()),
        get_store_from_url(url.replace("?", "/pre?")),
        get_store_from_url(s3_server.through(url, 9)),
        get_store_from_url("memory://"),
    ]
    assert all(store != other for other in others)


def test_get_store_takes_the_same_names(s3_server: S3Server) -> None:
    name, secret = s3_server.credentials
    store = get_store(
        "hs3",
        host=f"{HOST}:{s3_server.port}",
        access_key=name,
        secret_key=secret,
        bucket=s3_server.namespace(s3_server.url()),
        is_secure=False,
    )
    with closing(store):
        store.put("a/b", b"value")
        assert store.get("a/b") == b"value"


def test_no_secret_is_shown(s3_server: S3Server) -> None:
    store: Any = get_store_from_url(s3_server.url(session_token="a-token"))
    settings = store._calls.connection.settings
    for shown in (repr(store), str(store), repr(settings), repr(store.__dict__)):
        assert s3_server.credentials.secret not in shown
        assert "a-token" not in shown


def test_class_metadata_and_permissions_are_sent(s3_server: S3Server) -> None:
    with Proxy(s3_server.port) as proxy:
        base: Any = get_store_from_url(s3_server.url())
        settings: Any = {
            "host": f"{HOST}:{proxy.port}",
            "access_key": s3_server.credentials.name,
            "secret_key": s3_server.credentials.secret,
            "is_secure": False,
        }
        bucket = base.bucket.name
        base.close()
        store = Boto3Store(
            bucket,
            reduced_redundancy=True,
            public=True,
            metadata={"owner": "me"},
            **settings,
        )
        with closing(store):
            store.put("key", b"value")
            store.put_file("large", Source(6 * 2**20))
            store.copy("key", "copy")
            for request in (proxy.requests[0], proxy.requests[1], proxy.requests[-1]):
                assert request.headers["x-amz-acl"] == "public-read"
                assert request.headers["x-amz-storage-class"] == "REDUCED_REDUNDANCY"
            for key in ("key", "large", "copy"):
                assert store.bucket.Object(key).metadata == {"owner": "me"}
            assert "?" not in store.url_for("key")
            assert "Signature" in store.url_for("key", expires=60)


# What is stored, and URLs.


def test_facts_have_the_md5(s3_server: S3Server) -> None:
    with closing(get_store_from_url(s3_server.url())) as store:
        store.put("key", b"value")
        digest = hashlib.md5(b"value").hexdigest()  # noqa: S324 - what S3 has
        (listed,) = store.iter_meta()
        assert store.head("key").md5 == listed.md5 == digest
        store.put_file("key", Source(6 * 2**20))
        assert store.head("key").md5 is None


def test_object_without_a_type_has_the_type_of_its_key(s3_server: S3Server) -> None:
    url = s3_server.url()
    with s3_server.client() as client:
        client.put_object(
            Bucket=s3_server.namespace(url),
            Key="old.png",
            Body=b"value",
            ContentType="binary/octet-stream",
        )
    with closing(get_store_from_url(url)) as store:
        assert store.head("old.png").content_type == "image/png"


def test_headers_need_not_be_ascii(s3_server: S3Server) -> None:
    headers = {"Content-Disposition": 'inline; filename="é.png"'}
    with closing(get_store_from_url(s3_server.url())) as store:
        store.put("key", b"value", content_type="text/plain; x=ü", headers=headers)
        store.copy("key", "copy")
        for meta in (store.head("key"), store.head("copy")):
            assert (meta.content_type, meta.headers) == ("text/plain; x=ü", headers)


def test_url_gets_and_puts(s3_server: S3Server) -> None:
    url = s3_server.url().replace("?", "/pre/?")
    with closing(get_store_from_url(url)) as store:
        key = "a b/u+%.png"
        put = store.url_for(key, method="PUT", content_type="image/png", expires=60)
        assert send(put, "PUT", b"value", Content_Type="text/html")[0] == 403
        assert send(put, "PUT", b"value", Content_Type="image/png")[0] == 200
        assert store.get_with_meta(key)[0] == b"value"
        assert store.head(key).content_type == "image/png"
        get = store.url_for(key, content_type="text/x-own", download_name='ä "b".png')
        status, body, headers = send(get, "GET")
        assert (status, body) == (200, b"value")
        assert headers["Content-Type"] == "text/x-own"
        assert headers["Content-Disposition"] == (
            "attachment; filename=\"_ _b_.png\"; filename*=UTF-8''%C3%A4%20%22b%22.png"
        )
        assert send(get, "DELETE")[0] == 403
        assert send(store.url_for(key)[:-1] + "x", "GET")[0] == 403
        with pytest.raises(Unsupported, match="download_name"):
            store.url_for(key, method="PUT", download_name="name")


# What minimalkv 1.11 wrote.

_UPSTREAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import boto3
from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.net.boto3store import Boto3Store

class HBoto3Store(ExtendedKeyspaceMixin, Boto3Store):
    pass

endpoint, key, secret, name, verb = sys.argv[2:]
resource = boto3.resource(
    "s3", endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret
)
store = HBoto3Store(resource.Bucket(name), object_prefix="pre/")
if verb == "write":
    store.put("a b/c", b"upstream")
    store.copy("a b/c", "odd'!`#$%&()+,-.<=>?@[]^_{}~")
    store.put("long-" + "k" * 240 + "/" + "l" * 240, b"long")
print(json.dumps({key: store.get(key).decode() for key in store.keys()}))
"""


def test_what_upstream_wrote_is_read_and_the_other_way_round(
    s3_server: S3Server,
) -> None:
    url = s3_server.url()
    endpoint = f"http://{HOST}:{s3_server.port}"
    arguments = [endpoint, *s3_server.credentials, s3_server.namespace(url)]
    written = run_upstream(_UPSTREAM, *arguments, "write")
    with closing(get_store_from_url(url.replace("?", "/pre/?"))) as store:
        assert {key: store.get(key).decode() for key in store} == written
        for key in written:
            store.delete(key)
        store.put("ours/u", b"ours")
        store.put_file("large", Source(6 * 2**20))
    zeros = "\0" * 6 * 2**20
    found = run_upstream(_UPSTREAM, *arguments, "read")
    assert found == {"ours/u": "ours", "large": zeros}
