"""The arguments of a put, checked once, and only those passed on that were given."""

import re
from collections.abc import Mapping
from typing import Any, Final

from minimalkv._constants import FOREVER, NOT_SET
from minimalkv._errors import InvalidArgument, InvalidData, Unsupported
from minimalkv._expiry import Expiry, check_ttl

KEPT_HEADERS: Final = ("Cache-Control", "Content-Disposition", "Content-Encoding")
"""The headers that S3, Azure and Google Cloud Storage all keep with a value."""

# RFC 9110, 5.5: visible characters, space and tab.
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]+")


class PutChecks(Expiry):
    """Checks of what is to be stored, and how."""

    def _check_data(self, data: object) -> None:
        if not isinstance(data, bytes):
            kind = type(data).__name__
            raise InvalidData(f"A value is bytes, not {kind}; encode it first.")

    def _default_ttl(self) -> float | str:
        ttl_secs = self.default_ttl_secs
        return ttl_secs if ttl_secs is NOT_SET else check_ttl(ttl_secs)

    def _put_options(
        self,
        ttl_secs: float | str | None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.ttl_support:
            options["ttl_secs"] = self._valid_ttl(ttl_secs)
        elif ttl_secs is not None and ttl_secs not in (FOREVER, NOT_SET):
            self._require_ttl()
        if if_absent or if_match is not None:
            options |= self._conditions(if_match, if_absent=if_absent)
        if content_type is not None or headers is not None:
            options |= self._description(content_type, headers)
        return options

    def _conditions(self, if_match: str | None, *, if_absent: bool) -> dict[str, Any]:
        self._require_conditions()
        if not if_absent:
            return {"if_match": check_etag(if_match)}
        if if_match is not None:
            raise InvalidArgument("if_absent and if_match exclude each other.")
        return {"if_absent": True}

    def _conditions_of(self, if_match: str) -> dict[str, str]:
        self._require_conditions()
        return {"if_match": check_etag(if_match)}

    def _require_conditions(self) -> None:
        if not self.conditional_support:
            raise Unsupported(
                f"{type(self).__name__} cannot write on condition (if_absent, "
                "if_match, add, update): its backend has no such operation."
            )

    def _description(
        self, content_type: str | None, headers: Mapping[str, str] | None
    ) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if content_type is not None:
            given["content_type"] = _check_field("content_type", content_type)
        if headers is not None:
            given["headers"] = _check_headers(headers)
        return given if self.headers_support else {}


def check_etag(etag: object) -> str:
    """Refuse an etag that no store can have given, such as the None of a `head`."""
    if etag is None:
        raise InvalidArgument(
            "The value has no etag, so it cannot be replaced or deleted on condition: "
            "Redis has none for values above 16 MiB. Store it in parts, or elsewhere."
        )
    if not isinstance(etag, str) or not etag:
        raise InvalidArgument(
            f"if_match is the etag of an ObjectMeta, a text, not {etag!r}."
        )
    return etag


def _check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    checked = {}
    for name, value in headers.items():
        canonical = name.title() if isinstance(name, str) else name
        if canonical not in KEPT_HEADERS:
            known = ", ".join(KEPT_HEADERS)
            raise InvalidArgument(f"No store keeps the header {name!r}. Kept: {known}.")
        checked[canonical] = _check_field(canonical, value)
    return checked


def _check_field(name: str, value: object) -> str:
    if not isinstance(value, str) or not _FIELD_VALUE.fullmatch(value):
        raise InvalidArgument(
            f"{name} is one line of text without control characters, not {value!r}."
        )
    return value
