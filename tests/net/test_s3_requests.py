"""What S3 alone is asked; what every backend is asked is in test_requests."""

import io
from typing import Any

import pytest

from minimalkv import InvalidArgument
from minimalkv._contract.tools import sample
from minimalkv.net import _s3_copy
from tests.net.backend import S3, one_of
from tests.proxy import Proxy

backend = one_of("s3")

_MIB = 2**20


def test_large_value_is_sent_in_parts(store: Any, proxy: Proxy) -> None:
    store.put_file("parts", io.BytesIO(bytes(12 * _MIB)))
    assert proxy.methods == ["POST", "PUT", "PUT", "PUT", "POST"]
    assert store.head("parts").size == 12 * _MIB


def test_conditions_are_probed_once(backend: S3, proxy: Proxy) -> None:
    with backend.opened(backend.url(), proxy.port) as store:
        store.add("first", b"1")
        proxy.reset_counts()
        store.add("second", b"2")
        store.put("second", b"3", if_match=store.head("second").etag)
        assert proxy.methods == ["PUT", "GET", "PUT"]
        assert store.keys() == ["first", "second"]


def test_copy_of_what_is_too_large_for_one_request_goes_in_parts(
    store: Any, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = sample(_MIB) * 12
    described: dict[str, Any] = {
        "content_type": "text/x-own",
        "headers": {"Cache-Control": "no-store"},
    }
    store.put_file("source", io.BytesIO(value), **described)
    monkeypatch.setattr(_s3_copy, "LARGEST_COPY_BYTES", 10 * _MIB)
    monkeypatch.setattr(_s3_copy, "COPY_PART_BYTES", 5 * _MIB)
    proxy.fault = S3.refusal(
        400,
        "InvalidRequest",
        on=lambda request: (
            "x-amz-copy-source" in request.headers and "partNumber" not in request.query
        ),
    )
    proxy.reset_counts()
    store.copy("source", "dest")
    assert proxy.methods == ["PUT", "HEAD", "POST", "PUT", "PUT", "PUT", "POST"]
    data, meta = store.get_with_meta("dest")
    assert data == value
    assert (meta.content_type, meta.headers) == (
        "text/x-own",
        {"Cache-Control": "no-store"},
    )


def test_url_lives_for_a_week_at_most(store: Any) -> None:
    week = 7 * 24 * 3600
    assert f"X-Amz-Expires={week}&" in store.url_for("key", expires=week)
    with pytest.raises(InvalidArgument):
        store.url_for("key", expires=week + 1)


def test_requests_tell_nothing_of_attempts_of_botocore(
    store: Any, proxy: Proxy
) -> None:
    store.put("key", b"value")
    (request,) = proxy.requests
    assert "authorization" in request.headers
    assert [name for name in request.headers if name.startswith("amz-sdk-")] == []
