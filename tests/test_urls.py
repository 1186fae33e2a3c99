"""URLs: what they mean, and which are refused, with which words."""

from typing import Any
from urllib.parse import quote

import pytest

from minimalkv._errors import InvalidURL, UnknownScheme
from minimalkv._get_store import get_store_from_url
from minimalkv._masking import StoreURL, mask
from minimalkv._options import KNOWN_OPTIONS
from minimalkv._registry import BACKENDS
from minimalkv._urls import parse_url, url2dict
from tests.test_masking import every_word

GCS_JSON = b'{"type": "service_account", "project_id": "p"}'
GCS_B64 = "eyJ0eXBlIjogInNlcnZpY2VfYWNjb3VudCIsICJwcm9qZWN0X2lkIjogInAifQ=="

MEANINGS: list[tuple[str, dict[str, Any]]] = [
    (
        "azure://MYACCOUNT:dead%2Fbeef@1buc-ket1"
        "?param1=foo&param2=🍺&eat_more_🍎=1&create_if_missing=true",
        {
            "type": "azure",
            "account_name": "MYACCOUNT",
            "account_key": "dead/beef",
            "container": "1buc-ket1",
            "create_if_missing": True,
        },
    ),
    (
        "azure://MYACCOUNT:deadbeef@1bucket1?param1=foo&param2=🍺&eat_more_🍎="
        "&max_connections=5&max_block_size=4194304&&max_single_put_size=67108864",
        {
            "type": "azure",
            "account_name": "MYACCOUNT",
            "account_key": "deadbeef",
            "container": "1bucket1",
            "max_connections": 5,
            "max_block_size": ["4194304"],
            "max_single_put_size": ["67108864"],
        },
    ),
    (
        "azure://ACCOUNT:sv%3D1%26sig%3Da+b@c?use_sas&create_if_missing=false"
        "&socket_timeout=(20,100)&timeout=2.5",
        {
            "type": "azure",
            "account_name": "ACCOUNT",
            "account_key": "sv=1&sig=a+b",
            "container": "c",
            "use_sas": True,
            "create_if_missing": False,
            "socket_timeout": ["(20,100)"],
            "timeout": 2.5,
        },
    ),
    (
        "hazure://account@$web",
        {"type": "hazure", "account_name": "account", "container": "$web"},
    ),
    (
        "azure://c?connection_string=AccountName%3Da;AccountKey%3Db%2F%2B%3D%3D",
        {
            "type": "azure",
            "container": "c",
            "connection_string": "AccountName=a;AccountKey=b/+==",
        },
    ),
    ("fs://this/is/a/relative/path", {"type": "fs", "path": "this/is/a/relative/path"}),
    ("fs:///an/absolute/path", {"type": "fs", "path": "/an/absolute/path"}),
    ("hfs://./data", {"type": "hfs", "path": "./data"}),
    ("HFS://MyData/Ä b", {"type": "hfs", "path": "MyData/Ä b"}),
    ("fs:///me@home:1/x%23%3F%25", {"type": "fs", "path": "/me@home:1/x#?%"}),
    (
        "hfile://d?fsync=no&perm=640",
        {"type": "hfile", "path": "d", "fsync": False, "perm": 0o640},
    ),
    (
        "s3://access_key:secret_key@endpoint:1234/bucketname",
        {
            "type": "s3",
            "host": "endpoint:1234",
            "access_key": "access_key",
            "secret_key": "secret_key",
            "bucket": "bucketname",
        },
    ),
    ("s3:///bucket", {"type": "s3", "bucket": "bucket"}),
    (
        "hs3://[::1]:9000/bucket/pre%20fix/a?sts_assume_role__RoleArn=arn:x&verify=0",
        {
            "type": "hs3",
            "host": "[::1]:9000",
            "bucket": "bucket",
            "object_prefix": "pre fix/a",
            "sts_assume_role__RoleArn": "arn:x",
            "verify": False,
        },
    ),
    ("redis:///2", {"type": "redis", "host": "localhost", "db": 2}),
    ("redis://", {"type": "redis", "host": "localhost"}),
    (
        "rediss://pw@[::1]:6380/0",
        {"type": "rediss", "host": "::1", "port": 6380, "password": "pw", "db": 0},
    ),
    (
        "redis://user:a%3Ab%40@Host?timeout=2",
        {
            "type": "redis",
            "host": "Host",
            "username": "user",
            "password": "a:b@",
            "timeout": 2.0,
        },
    ),
    ("redis://:pw@h", {"type": "redis", "host": "h", "password": "pw"}),
    (
        "hredis://h1:1,h2:2,h3?cluster",
        {
            "type": "hredis",
            "hosts": (("h1", 1), ("h2", 2), ("h3", None)),
            "cluster": True,
        },
    ),
    (
        "redis://one?sentinel=a&sentinel=my%20master",
        {"type": "redis", "host": "one", "sentinel": "my master"},
    ),
    (
        f"gcs://{GCS_B64}@bucket?create_if_missing=1",
        {
            "type": "gcs",
            "bucket_name": "bucket",
            "credentials": GCS_JSON,
            "create_if_missing": True,
        },
    ),
    (
        f"hgcs://{quote(GCS_B64)}@b.c?project=p",
        {"type": "hgcs", "bucket_name": "b.c", "credentials": GCS_JSON, "project": "p"},
    ),
    ("gcs://bucket", {"type": "gcs", "bucket_name": "bucket"}),
    ("memory://#wrap:readonly", {"type": "memory", "wrap": "readonly"}),
    ("memory+readonly+ttl:///", {"type": "memory", "wrap": "ttl+readonly"}),
    ("memory://", {"type": "memory"}),
]


@pytest.mark.parametrize(("url", "meaning"), MEANINGS)
def test_a_url_means_these_parameters(url: str, meaning: dict[str, Any]) -> None:
    assert url2dict(url) == meaning


SECRET = "PLANTED"
# URL, what the message has to say; SECRET may not be in it.
BAD_URLS: list[tuple[str, str]] = [
    ("", "empty"),
    ("hfs", "'hfs://./data'"),
    ("hfs:/data", "://"),
    ("redis:u:PLANTED@h", "://"),
    (" memory://", "white space"),
    ("memory://\n", "white space"),
    ("fs:///a\nb", "control character"),
    ("fs:///a\0b", "control character"),
    ("fs:///a\udc80b", "control character"),
    ("redis://:PLANTED\t@h", "control character"),
    ("://x", "A scheme is"),
    ("s 3:///b", "A scheme is"),
    ("1fs://x", "A scheme is"),
    ("fs+prefix(a://x", "A scheme is"),
    ("u:PLANTED@h/a://x", "A scheme is"),
    ("hfz://data", "Did you mean 'hfs'"),
    ("postgres://u:PLANTED@h/db", "Unknown scheme 'postgres'"),
    ("m://", "memory, redis"),
    ("memory+readnoly://", "Did you mean 'readonly'"),
    ("memory://#wrap:gzip", "prefix, readonly, ttl, urlencode"),
    ("memory+prefix://", "prefix(prefix)"),
    ("memory+prefix()://", "prefix(prefix)"),
    ("memory+prefix(a,b)://", "2 arguments"),
    ("memory+readonly(a)://", "'readonly'"),
    ("memory+prefix(%zz)://", "'%zz'"),
    ("memory+ttl://#wrap:readonly", "not in both"),
    ("memory://#readonly", "#wrap:readonly"),
    ("memory://#wrap:", "#wrap:readonly"),
    ("memory://#", "%23"),
    ("memory://name", "just 'memory://'"),
    ("memory://?fsync=true", "Known: create_if_missing."),
    ("fs://", "Name a folder"),
    ("fs://%zz", "'%zz'"),
    ("fs://a%", "%25"),
    ("fs://%ff", "UTF-8"),
    ("fs://a%00", "NUL"),
    ("fs://d?fsnyc=true", "Did you mean 'fsync'"),
    ("fs://d?fsync=maybe", "true or false, not 'maybe'"),
    ("fs://d?perm=0o640", "octal mode up to 777, such as 640, not '0o640'"),
    ("fs://d?perm=1777", "'1777'"),
    ("fs://d?timeout=3", "Unknown option 'timeout'"),
    ("fs://d?fsync=%GG", "'fsync' is not percent-encoded"),
    ("redis://h/one", "whole number, at least 0, not 'one'"),
    ("redis://h/-1", "'-1'"),
    ("redis://h/0/1", "'db' has to be a whole number"),
    (f"redis://h?timeout=2?password={SECRET}", "%3F"),
    (f"redis://h?sentinel=m?password={SECRET}", "%3F"),
    (f"redis://h?timeout=2/password:{SECRET}", "number of seconds"),
    ("redis://h:0", "1 to 65535"),
    ("redis://h:65536", "1 to 65535"),
    ("redis://h:", "1 to 65535"),
    ("redis://u:p@h:abc", "1 to 65535, not 'abc'"),
    ("redis://localhost:PLANTED", "'redis://:password@host'"),
    ("redis://localhost:PLANTED/0?timeout=1", "1 to 65535"),
    ("redis://a:b:PLANTED/0", "one colon"),
    ("redis://::1/0", "brackets"),
    ("redis://h h", "host name or an IP address"),
    ("redis://[zz]:1", "brackets"),
    ("redis://h1,h2", "?cluster=true"),
    ("redis://h1,,h2?cluster=true", "two or more pairs"),
    ("redis://h?cluster=true&sentinel=s", "drop one"),
    ("redis://h?sentinel=", "'sentinel' has to be text"),
    ("redis://:PLANTED@h?timeout=0", "seconds above 0, such as 2.5, not '0'"),
    ("redis://:PLANTED@h?timeout=-1", "'-1'"),
    ("redis://:PLANTED@h?timeout=nan", "'nan'"),
    ("redis://:PLANTED@h?timeout=fast", "'fast'"),
    ("redis://:PLANTED@h?max_connections=0", "at least 1, not '0'"),
    ("redis://:PLANTED@h?password=PLANTED", "Unknown option 'password'"),
    ("redis://:PLANTED%zz@h", "%25"),
    ("redis://:PLANTED%ff@h", "UTF-8"),
    ("redis://:PLAN/PLANTED@h", "/ as %2F"),
    ("redis://:a?PLANTED@h", "? as %3F"),
    ("redis://:a#PLANTED@h", "# as %23"),
    ("redis://:a@PLANTED@h", "@ as %40"),
    ("redis://:PLANTED@h/0?sentinel=a@b", "@ as %40"),
    ("s3://bucket", "'s3:///bucket'"),
    ("s3://key:PLANTED@bucket", "'s3:///bucket'"),
    ("s3://AKIA:PLANTED", "1 to 65535"),
    ("s3://AKIA:PLANTED/x/bucket", "1 to 65535"),
    ("s3://endpoint/", "in the path"),
    ("s3://key@endpoint/bucket", "needs its secret"),
    ("s3://:PLANTED@endpoint/bucket", "needs its secret"),
    ("s3://:9000/bucket", "no host in front"),
    ("s3://h1,h2/bucket", "one endpoint"),
    ("s3:///buc ket", "not 'buc ket'"),
    ("s3:///b?is_secure=si", "'si'"),
    ("s3:///b?sts_assume_role__=x", "Unknown option"),
    ("s3:///b?session_token=", "'session_token' has to be text"),
    ("s3:///b?session_token=x&PLANTED", "& as %26"),
    ("s3:///b?is_sts_credentials=PLANTED", "true or false."),
    ("azure://acc:PLANTED@", "Name the container"),
    ("azure://container", "azure://account@container"),
    ("azure://acc:@c", "'account_key' has to be text"),
    ("azure://acc:PLANTED@c/blob", "no path"),
    ("azure://acc:PLANTED@c:80", "one container"),
    ("azure://acc:PLANTED@c?use_sas&create_if_missing=yes", "SAS tokens"),
    ("azure://acc@c?use_sas", "needs the token"),
    ("azure://acc:x@c?use_sas=PLANTED", "'use_sas' has to be true or false."),
    ("azure://acc:x@c?max_block_size=4MB", "4*1024*1024, not '4MB'"),
    ("azure://acc:x@c?max_block_size=4*-1", "'4*-1'"),
    ("azure://acc:x@c?socket_timeout=(1,2,3)", "(20,100), not '(1,2,3)'"),
    ("azure://acc:x@c?default_endpoints_protocol=ftp", "http or https"),
    ("azure://acc:x@c?use_sas&create_if_missnig=false", "'create_if_missing'"),
    ("azure://acc:x@c?sv=1&sig=PLANTED", "Unknown option 'sv'"),
    ("azure://c?connection_string=Key=PLAN#PLANTED", "%23"),
    ("gcs://", "Name the bucket"),
    ("gcs://b/prefix", "gcs+prefix"),
    ("gcs://PLANTED@b", "URL-safe base64"),
    ("gcs://!PLANTED!@b", "URL-safe base64"),
    ("gcs://WzFd@b", "URL-safe base64"),
    ("gcs://UExBTlRFRA==@b", "URL-safe base64"),
    ("gcs://a:PLANTED@b", "URL-safe base64"),
    ("gcs://" + "PLANTED" * 40, "letters, digits"),
]


@pytest.mark.parametrize(("url", "cure"), BAD_URLS)
def test_a_bad_url_is_refused_with_its_cure_and_without_the_secret(
    url: str, cure: str
) -> None:
    with pytest.raises(InvalidURL) as caught:
        get_store_from_url(url)
    assert cure in str(caught.value)
    assert SECRET not in every_word(caught.value)
    assert SECRET not in mask(url)
    unknown = cure.startswith("Unknown scheme") or url.startswith(("hfz:", "m:"))
    assert isinstance(caught.value, UnknownScheme) == unknown


@pytest.mark.parametrize("value", [None, 5, b"memory://", {"url": SECRET}])
def test_what_is_no_text_is_refused_by_its_type(value: Any) -> None:
    for function in (get_store_from_url, url2dict, parse_url, mask, StoreURL):
        with pytest.raises(InvalidURL, match=type(value).__name__) as caught:
            function(value)
        assert SECRET not in str(caught.value)


def test_lenient_reading_ignores_unknown_options_and_strict_reading_names_them() -> (
    None
):
    url = "redis://localhost/?cluster=true&colour=red"
    assert url2dict(url) == {"type": "redis", "host": "localhost", "cluster": True}
    with pytest.raises(InvalidURL, match="'colour'"):
        url2dict(url, raise_on_extra_params=True)
    with pytest.raises(InvalidURL, match="'cluster' has to be"):
        url2dict("redis://localhost/?cluster=perhaps")


@pytest.mark.parametrize("scheme", BACKENDS)
def test_every_scheme_parses_its_example_and_documents_its_options(scheme: str) -> None:
    backend = BACKENDS[scheme]
    assert backend.family is not None
    assert backend.family.example.partition("://")[0] in scheme
    for name, option in {**backend.options, **backend.family.parameters}.items():
        assert option.meaning, name
        assert option.expected, name
    assert set(backend.options) <= set(KNOWN_OPTIONS)
