"""Any text made into a key, and why a key is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minimalkv import (
    VALID_KEY_RE,
    VALID_KEY_REGEXP,
    VALID_NON_NUM,
    InvalidKey,
    contrib,
)
from minimalkv._hstores import HDictStore
from minimalkv._keys import decode_key, encode_key
from minimalkv.memory import DictStore

ANY_TEXT = st.text(st.characters(), max_size=120)


@given(ANY_TEXT)
def test_any_text_becomes_a_key_and_text_again(text: str) -> None:
    key = encode_key(text, 1000)
    assert VALID_KEY_RE.fullmatch(key[:250])
    assert decode_key(key) == text


@given(ANY_TEXT, ANY_TEXT)
def test_different_texts_become_different_keys(one: str, other: str) -> None:
    assert (encode_key(one) == encode_key(other)) == (one == other)


@given(st.text(min_size=251, max_size=400), st.integers(66, 250))
def test_long_text_becomes_a_key_of_the_length_allowed(text: str, most: int) -> None:
    key = encode_key(text, most)
    assert len(key) == most
    assert VALID_KEY_RE.match(key)
    assert decode_key(key) is None
    assert encode_key(text + "x", most) != key


def test_encoded_keys_are_the_documented_ones() -> None:
    assert encode_key(":1:user.5-a_b") == "%3A1%3Auser.5-a_b"
    assert encode_key("ü~") == "%C3%BC%7E"
    assert encode_key("") == "%"
    assert [encode_key(text) for text in (".", "..", ".a")] == ["%2E", "%2E.", "%2Ea"]
    assert encode_key("\ud800") == "%ED%A0%80"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (b"a", "Decode it first"),
        (None, "NoneType"),
        ("", "at least one character"),
        ("a/b", "'h' stores"),
        ("a b", "'h' stores"),
        ("a*", "URLEncodeKeysDecorator"),
        ("a\n", r"'\\n'"),
        ("..", "'..'"),
        ("a" * 251, "251 characters, at most 250"),
    ],
)
def test_refused_keys_are_told_the_cure(key: str, words: str) -> None:
    with pytest.raises(InvalidKey, match=words):
        DictStore().put(key, b"")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("/a", "an empty one"),
        ("a/", "an empty one"),
        ("a//b", "an empty one"),
        ("a/../b", r"'\.\.'"),
        ("./a", r"'\.'"),
        ("a/" + "b" * 251, "at most 250"),
        ("a/" * 600 + "b", "1201 characters, at most 1024"),
    ],
)
def test_refused_keys_with_slashes_are_told_why(key: str, words: str) -> None:
    with pytest.raises(InvalidKey, match=words):
        HDictStore().put(key, b"")


def test_a_long_key_is_not_printed_whole() -> None:
    with pytest.raises(InvalidKey) as caught:
        DictStore().put("a" * 100_000, b"")
    assert len(str(caught.value)) < 200


def test_what_upstream_stored_under_loose_keys_is_still_read() -> None:
    old = {"a" * 300: b"1", "newline\n": b"2", "back\\slash": b"3"}
    store = DictStore(dict(old))
    for key, value in old.items():
        assert store.get(key) == value
        assert store.open(key).read() == value
        assert store.head(key).size == 1
        assert key in store
    assert store.get_many(old) == old
    with pytest.raises(InvalidKey):
        store.put("newline\n", b"")
    store.copy("newline\n", "clean")
    assert store.get("clean") == b"2"
    store.delete_many(old)
    assert store.keys() == ["clean"]


def test_names_of_upstream_are_there() -> None:
    assert VALID_KEY_RE.pattern == VALID_KEY_REGEXP
    assert VALID_NON_NUM in contrib.VALID_NON_NUM_EXTENDED
    assert contrib.VALID_KEY_RE_EXTENDED.match("a b/c")
    assert VALID_KEY_RE.match(VALID_NON_NUM)
