"""What the headers of an answer make of a value that says whatever it likes."""

import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from hypothesis import strategies as st

from minimalkv import ObjectMeta
from minimalkv._hstores import HDictStore
from minimalkv.decorator import StoreDecorator
from minimalkv.http import answer

ANYTHING = st.text() | st.text(alphabet="; =\"\\'%/abcHTML*+.,\r\n\0\ud800")
"""Texts, among them what may be part of a header."""


class Described(StoreDecorator):
    """A store that keeps any content type and headers, whatever they are."""

    def __init__(self, content_type: str, headers: Mapping[str, str] = {}) -> None:
        super().__init__(HDictStore({"key": b"<script>alert(1)</script>"}))
        self.said: dict[str, Any] = {"content_type": content_type, "headers": headers}

    def _stream(self, *args: Any, **options: Any) -> tuple[ObjectMeta, BinaryIO]:
        meta, body = super()._stream(*args, **options)
        return meta._replace(**self.said), body


def headers_of(
    kept_type: str,
    kept: Mapping[str, str] = {},
    /,
    **options: Any,
) -> dict[str, str]:
    """Return the headers of an answer, each of which could be sent."""
    told = answer(Described(kept_type, kept), "key", headers={}, **options)
    assert told.status == 200
    assert told.body is not None
    told.body.close()
    for name, value in told.headers:
        assert re.fullmatch(r"[A-Za-z-]+", name)
        assert re.fullmatch(r"[\x20-\x7e]+", value)
    found = dict(told.headers)
    assert len(found) == len(told.headers)
    return found
