"""What S3 alone refuses; what every backend has to bear is in test_faults."""

from typing import Any

import pytest

from minimalkv import AccessDenied, StoreUnavailable
from tests.backends.base import Credentials
from tests.backends.s3 import S3Server
from tests.net.backend import S3, one_of
from tests.net.uses import EVERY
from tests.proxy import Proxy

backend = one_of("s3")


def test_conflict_with_another_write_is_tried_again(
    backend: S3, store: Any, proxy: Proxy
) -> None:
    code = "ConditionalRequestConflict"
    proxy.fault = backend.refusal(409, code, on=backend.is_write, times=2)
    store.put("new", b"value", if_absent=True)
    assert proxy.methods == ["PUT"] * 3
    proxy.fault = backend.refusal(409, code, on=backend.is_write)
    with pytest.raises(StoreUnavailable, match="Nothing was written"):
        store.put("another", b"value", if_absent=True)


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [
        (Credentials("writer", "wrong"), "secret key"),
        (Credentials("nobody", "the/secret+of a writer"), "access key"),
    ],
)
def test_wrong_credentials_are_named_and_not_shown(
    backend: S3, credentials: Credentials, reason: str
) -> None:
    with backend.opened(backend.url(credentials=credentials)) as store:
        for use in EVERY.values():
            with pytest.raises(AccessDenied, match=reason) as caught:
                use(store)
            shown = f"{caught.value}{caught.value.__cause__!r}{store!r}"
            assert credentials.secret not in shown


def test_missing_permission_is_named(backend: S3, s3_server: S3Server) -> None:
    url = backend.url()
    reading = url.replace(
        s3_server.credentials.as_userinfo(), s3_server.reader.as_userinfo()
    )
    with backend.opened(url) as store:
        store.put("key", b"value")
    with backend.opened(reading) as store:
        assert store.get("key") == b"value"
        with pytest.raises(AccessDenied, match="s3:PutObject"):
            store.put("key", b"value")
        with pytest.raises(AccessDenied, match="s3:DeleteObject"):
            store.delete("key")
        with pytest.raises(AccessDenied) as caught:
            store.delete_many(["key", "other"])
        assert set(caught.value.failed_keys) == {"key", "other"}
