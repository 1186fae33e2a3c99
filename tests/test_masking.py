"""Printed URLs and errors about URLs: no secret, nor a piece of one, is in them."""

import copy
import pickle
import traceback
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv._errors import InvalidURL, Unsupported
from minimalkv._get_store import get_store_from_url
from minimalkv._masking import StoreURL, mask
from minimalkv._urls import parse_url, url2dict


def every_word(error: BaseException) -> str:
    """Return all that anybody could print about an error and the ones behind it."""
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        current = todo.pop()
        if current is not None and current not in seen:
            seen.append(current)
            todo += [current.__cause__, current.__context__]
    texts = [f"{current} ~ {current!r}" for current in seen]
    # Only the messages: the lines of code in a traceback are not ours to mask.
    return " ~ ".join([*texts, *traceback.format_exception_only(error)])


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://u:p@h:1,i:2/0?timeout=2", "redis://***@h:1,i:2/0?timeout=2"),
        ("s3://k:s@e/b?session_token=t&verify=1", "s3://***@e/b?session_token=***&verify=1"),
        ("s3://k:s/x@e/b", "s3://***@e/b"),
        ("s3://k:s?x@e/b", "s3://***"),
        ("s3://k:s#x@e/b", "s3://***"),
        ("s3://k:secret/b", "s3://***"),
        ("s3:///b?sesion_tokn=x", "s3:///b?sesion_tokn=***"),
        ("azure://c?use_sas=&x=1&connection_string=a&b=c&public", "azure://c?use_sas=***&x=***&connection_string=***&public"),
        ("azure://c?connection_string=a#b", "azure://c?connection_string=***#***"),
        ("redis+readonly+prefix(x)://p@h#wrap:ttl", "redis+readonly+prefix(x)://***@h#wrap:ttl"),
        ("hfs://x#wrap:migrate(redis%3A%2F%2Fu%3Ap%40h)", "hfs://x#wrap:migrate(redis%3A%2F%2F***%40h)"),
        ("hs3+Migrate(s3%3A%2F%2Fk%3As%40e%2Fb)+ttl://k:s@e/b", "hs3+Migrate(s3%3A%2F%2F***%40e%2Fb)+ttl://***@e/b"),
        ("memory://#wrap:migrate(memory%3A%2F%2F%23wrap%3Amigrate(p))", "memory://#***"),
        ("memory://#wrap:migrate(u%3Ap)+prefix(u%3Ap)", "memory://#wrap:migrate(***)+prefix(u%3Ap)"),
        ("memory://#wrap:prefix(x%3A%2F%2Fu%3Ap%40h)", "memory://#wrap:prefix(x%3A%2F%2F***%40h)"),
        ("fs:///me@home:1/x?perm=640", "fs:///me@home:1/x?perm=640"),
        ("fs://u:p@h/x", "fs://***@h/x"),
        ("mine://u:p@h/x?level=3", "mine://***@h/x?level=***"),
        ("redis://\x1b[31m", "redis://***"),
        ("u:p@h", "***"),
        ("u p://x", "***"),
        ("", "***"),
    ],
)  # fmt: skip
def test_a_masked_url_shows_all_but_secrets(url: str, masked: str) -> None:
    assert mask(url) == masked
    assert mask(masked) == masked


def test_a_store_url_prints_masked_and_is_the_whole_text() -> None:
    text = "redis://user:hush@localhost/0"
    url = StoreURL(text)
    masked = "redis://***@localhost/0"
    assert (str(url), f"{url}", "%s" % url, f"{url:>25}") == (  # noqa: UP031 - tested
        masked,
        masked,
        masked,
        f"  {masked}",
    )
    assert repr(url) == f"StoreURL('{masked}')"
    assert repr([url]) == f"[StoreURL('{masked}')]"
    assert url == text
    assert hash(url) == hash(text)
    assert {text: 1}[url] == 1
    assert (url.reveal(), type(url.reveal())) == (text, str)
    assert "hush" not in repr(parse_url(url))
    assert "hush" not in str(parse_url(url))
    assert parse_url(url) == parse_url(text)
    assert url2dict(url)["password"] == "hush"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_store_url_survives_pickle_and_copies(protocol: int) -> None:
    url = StoreURL("redis://user:hush@localhost/0")
    for made in (
        pickle.loads(pickle.dumps(url, protocol)),
        copy.deepcopy({"url": url})["url"],
        copy.copy(url),
        StoreURL(url),
    ):
        assert type(made) is StoreURL
        assert made.reveal() == url.reveal()
    parsed = parse_url(url)
    assert pickle.loads(pickle.dumps(parsed, protocol)) == parsed


NETWORK_SHAPES = [
    "redis://user:{}@localhost/0?timeout=2",
    "redis://{}@localhost/0",
    "hrediss://:{}@h1:1,h2:2?cluster=true#wrap:readonly",
    "s3://AKIA:{}@endpoint:9000/bucket/prefix",
    "s3://AKIA:{}@/bucket?region_name=eu",
    "hs3+readonly://{}:{}@endpoint/bucket",
    "azure://account:{}@container?use_sas&create_if_missing=false",
    "hazure://{}@container",
    "gcs://{}@bucket",
    "unknown://user:{}@host/path",
]
# No plain space: without it, no message has four of these in a row by itself.
NASTY = st.text("/?#@:%&=+,;()[]\\'\"\xa0\t\n\0\x7f\u2028\ud800QZ7é🍎", min_size=4)


def leaked_pieces(secret: str, public: str, printed: str) -> list[str]:
    pieces = {secret[i : i + 4] for i in range(len(secret) - 3)}
    escaped = {repr(piece)[1:-1] for piece in pieces}
    return [p for p in pieces | escaped if p in printed and p not in public]


@given(st.sampled_from(NETWORK_SHAPES), NASTY)
def test_no_piece_of_a_password_is_ever_printed(shape: str, secret: str) -> None:
    encoded = quote(secret.encode("utf-8", "replace"), safe="")
    for planted in (secret, encoded):
        url = shape.format(planted, planted)
        printed = every_print_of(url)
        assert leaked_pieces(planted, shape, printed) == []
        assert leaked_pieces(secret, shape, printed) == []


@given(
    st.sampled_from(
        [
            "azure://container?connection_string={}&timeout=2",
            "s3:///bucket?session_token={}",
            "redis://localhost?password={}",
        ]
    ),
    NASTY,
)
def test_no_piece_of_a_secret_option_is_ever_printed(shape: str, secret: str) -> None:
    assert leaked_pieces(secret, shape, every_print_of(shape.format(secret))) == []


def every_print_of(url: str) -> str:
    store_url = StoreURL(url)
    printed = f"{store_url} {store_url!r} {mask(url)}"
    for function in (url2dict, parse_url, get_store_from_url):
        try:
            result = function(url)
        except (InvalidURL, Unsupported) as error:
            printed += every_word(error)
        else:
            printed += "" if function is url2dict else f"{result} {result!r}"
    return printed


@given(st.text())
def test_any_text_is_a_url_or_is_refused(text: str) -> None:
    mask(text)
    mask(f"redis://{text}")
    for url in (text, f"redis://{text}", f"s3://{text}", f"gcs://{text}@b"):
        try:
            url2dict(url)
        except InvalidURL:
            continue
