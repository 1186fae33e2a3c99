"""Keys that somebody might try, and what becomes of every one of them."""
# ruff: noqa: D102, S101 - a test's name is its sentence, and assert how it asserts

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from minimalkv._contract.base import Contract, check_values
from minimalkv._errors import (
    InvalidKey,
    KeyConflict,
    KeyNotFound,
    MinimalkvError,
    Unsupported,
)
from minimalkv._key_value_store import KeyValueStore

_UP: Final = (
    ". .. ... .... ../x ../../x ../../../../../../etc/passwd a/.. a/../b a/../../x ./x "
    "x/. x/./y .../x ..../x ....//x ..\\x ..\\..\\x \\..\\x ..%2fx ..%2Fx %2e%2e "
    "%2e%2e/x %2e%2e%2fx %252e%252e%252fx ..%5cx ..%c0%afx ..;/x ..//x /../x "
    "f/g/../../../x ~ ~root ~/x $HOME ${HOME}/x file:///etc/passwd %2E %2E%2E .%2e "
    "..a a..b ..a/b .a .. ...a/.b .git/config"
).split()
_SLASHES: Final = (
    "/ // /x //x ///x x/ x// y//z y///z y/z/ /etc/passwd \\ \\\\ p\\ q\\r \\s q\\\\r "
    "t\\/u v/\\w /\\ \\/ \\\\server\\share //server/share C:\\x C:x C:/x "
    "a/b/c/d/e/f/g/h/i d/d/d/d"
).split()
_CONTROL: Final = [
    *("\0", "x\0", "\0x", "x\0y", "\n", "x\n", "\nx", "x\ny", "x\n\n", "x\r", "x\r\n"),
    *("\r\nSet-Cookie: x=y", "\t", "x\ty", "x\t", "\v", "\f", "\x1b[31m", "\x7f", "\x80"),
    *("\x85", "x\x1fy", "\b", "..\n", "../x\n", "x/\n", "x/..\n"),
]
_UNICODE: Final = [
    *("\u00e4", "a\u0308", "\uff0e\uff0e", "\uff0e\uff0e\uff0fx", "x\uff0fy", "x\u2215y"),
    *("\u2024\u2024/x", "\u2025", "x\u2044y", "\u202e", "x\u202egnp.exe", "\u200b"),
    *("x\u200by", "\u200d", "\ufeff", "\ufeffx", "\u00a0", "\u2028", "\u2029", "\u3000"),
    *("\u017f", "\u0131", "\u0130", "\u212a", "\u00df", "\ufb01", "\u2126", "\u03a9"),
    *("\u0661", "\uff11", "\u65e5\u672c\u8a9e", "\U0001f600", "\u05d0", "\u0e33"),
    *("\U0001f469\u200d\U0001f467", "\ud800", "\udfff", "x\udc80y", "\udce4"),
    *("\ud83d\ude00", "\U0010ffff", "\ufffe", "\ue000", "\u00e9" * 125, "\u00e4" * 250),
]
_WINDOWS: Final = (
    "CON con PRN AUX aux.txt NUL nul.tar.gz COM1 LPT1.txt CLOCK$ m:n m::$DATA k. k.. "
    "k... k* k? k|l k<l k>l k\"l desktop.ini Thumbs.db PROGRA~1 K k"
).split()
_SPACES: Final = ["", " ", "  ", "u ", " u", "u v", "w/ ", "w2/ /x", " z/x", "  /x y/ z"]
_TEXTS: Final = [
    *("$(touch x)", "`touch`x", ";rm -rf .", "x;y", ";put-00", ";locks", ";locks/00"),
    *("|cat", "&&true", "--help", "-rf", "-", "_", "'OR'1'='1", '";DROP TABLE keys;--'),
    *("{}", "{0}", "{0.__class__}", "%s", "%d%n", "%", "%%", "%4", "%zz", "%00", "x%00y"),
    *("${jndi:ldap://x}", "<script>", "a=b&c=d", "?versionId=1", "e?f#g", "#", "e#f"),
    *("*", "h*llo", "h?llo", "h[ae]llo", "[a-z]", "[!a]", "{a,b}", "(a)", "!", "a,b"),
    *("hello", "hallo", "a+b", "+", "a%20b", "a%2Fb", "a%2fb", "a&amp;b", "@", "^", "=", "~1"),
    *("'", '"', "`", "&", "&&", "$", "$$", "$1", "\\1", "\\x00", "\\u0000", "[", "]", "]["),
    *("Content-Type: text/html", "null", "None", "undefined", "NaN", "true", "0", "00"),
    *("-0", "1e309", "__proto__", "constructor", "__class__", "__init__.py", ".htaccess"),
    *("mkv-ping", "mkv-session-x", "index.html", "x.tar.gz", "UPPER", "upper", "Upper"),
]
_LENGTHS: Final = [
    *("n" * length for length in (63, 64, 127, 128, 249, 250, 251, 255, 256, 1000)),
    *("o" * length for length in (1023, 1024, 1025, 4096, 65536)),
    *(f"{'p' * length}/p" for length in (249, 250, 251, 255, 256)),
    *(f"r/{'r' * length}" for length in (249, 250, 251, 255, 256)),
    "/".join(["s" * 203] * 5)[:1018] + "/" + "s" * 5,
    "/".join(["t" * 203] * 5)[:1018] + "/" + "t" * 6,
    "d1/" * 60 + "d",
]

NASTY_KEYS: Final = list(
    dict.fromkeys(
        [*_UP, *_SLASHES, *_CONTROL, *_UNICODE, *_WINDOWS, *_SPACES, *_TEXTS, *_LENGTHS]
    )
)
"""Texts that somebody might try as a key: more than 300, each once."""

NO_TEXTS: Final = (
    *(b"x", b"", bytearray(b"x"), memoryview(b"x"), 0, 1, -1, 1.5, True, False),
    *(object(), ["x"], ("x",), {"x": 1}, frozenset("x"), Path("x"), str, ...),
)
"""Objects that are no key anywhere."""

_REFUSED = (InvalidKey, Unsupported)


class KeyContract(Contract):
    """Every text is a key and comes back exactly, or is refused by name."""

    def test_every_nasty_key_is_stored_exactly_or_refused(
        self, store: KeyValueStore
    ) -> None:
        wrong = []
        for key in NASTY_KEYS:
            attempt = _Attempts(self, store, key)
            try:
                if self.is_key(store, key):
                    attempt.round_trip()
                else:
                    attempt.refusals()
            except Exception as error:  # noqa: BLE001 - all of them are shown at once
                wrong.append((key, error))
                _clear(store)
        assert wrong == []

    def test_no_two_nasty_keys_are_the_same(self, store: KeyValueStore) -> None:
        expected: dict[str, bytes] = {}
        for number, key in enumerate(NASTY_KEYS):
            if self.is_key(store, key) and not _conflicts(store, key, expected):
                value = f"{number}".encode()
                expected[store.put(key, value)] = value
        check_values(store, expected)
        for key, value in expected.items():
            assert store.get(key) == value
            assert store.keys(key).count(key) == 1
        for number, key in enumerate(list(expected)):
            store.delete(key)
            del expected[key]
            if number % 16 == 0:
                check_values(store, expected)
        check_values(store, {})

    def test_every_nasty_text_is_a_prefix_to_list_by(
        self, store: KeyValueStore
    ) -> None:
        keys = ["hello", "h[ae]llo", "a.b", "-", "x.txt"]
        keys += ["f/g.h/i", "f/g.h/j", "f/k"] if store.extended_keys else []
        self.fill(store, dict.fromkeys(keys, b""))
        for prefix in [*NASTY_KEYS, "f", "f/g", "h", "h["]:
            expected = sorted(key for key in keys if key.startswith(prefix))
            assert sorted(store.keys(prefix)) == expected, prefix
            assert sorted(m.key for m in store.iter_meta(prefix)) == expected, prefix
            found = [p for p in store.iter_prefixes(".", prefix) if prefix not in keys]
            assert all(p.startswith(prefix) for p in found), prefix

    def test_what_is_no_text_is_no_key(self, store: KeyValueStore) -> None:
        before = self.raw_names(store)
        accepted = []
        for key in NO_TEXTS:
            attempt = _Attempts(self, store, key)
            for verb in [*attempt.writes(), *attempt.reads()]:
                try:
                    verb()
                except _REFUSED:
                    continue
                accepted.append(key)
        assert accepted == []
        assert self.raw_names(store) == before

    def test_none_and_empty_are_refused_or_get_a_key_of_their_own(
        self, store: KeyValueStore
    ) -> None:
        for key in (None, ""):
            for verb in _Attempts(self, store, key).reads():
                with pytest.raises((InvalidKey, KeyNotFound, Unsupported)):
                    verb()
            if self.is_key(store, key):
                made = store.put(key, b"value")  # type: ignore[arg-type]
                assert store.get(made) == b"value"
                store.delete(made)
            else:
                for verb in _Attempts(self, store, key).writes():
                    with pytest.raises(_REFUSED):
                        verb()
        check_values(store, {})

    def test_longest_key_fits_and_one_more_does_not(self, store: KeyValueStore) -> None:
        longest = "k" * min(store.max_key, store.max_segment)
        store.put(longest, b"long")
        check_values(store, {longest: b"long"})
        with pytest.raises(InvalidKey):
            store.put(f"{longest}k", b"longer")
        check_values(store, {longest: b"long"})

    def test_refused_key_is_named_and_the_message_is_short(
        self, store: KeyValueStore
    ) -> None:
        for key in ("../x", "x\n", "n" * 100_000):
            if not self.is_key(store, key):
                with pytest.raises(InvalidKey) as caught:
                    store.get(key)
                assert isinstance(caught.value, ValueError)
                assert repr(key)[:20] in str(caught.value)
                assert len(str(caught.value)) < 400
                assert "\n" not in str(caught.value)

    def test_key_beside_its_own_folder_works_or_is_a_conflict(
        self, store: KeyValueStore
    ) -> None:
        if not self.is_key(store, "a/b/c"):
            return
        expected = {"a/b/c": b"inner"}
        store.put("a/b/c", b"inner")
        for key in ("a", "a/b", "a/b/c/d"):
            if store.nested_keys:
                store.put(key, key.encode())
                expected[key] = key.encode()
            else:
                with pytest.raises(KeyConflict):
                    store.put(key, b"outer")
                assert key not in store
        check_values(store, expected)

    def test_folder_of_the_last_key_is_free_again(self, store: KeyValueStore) -> None:
        if not self.is_key(store, "a/b/c"):
            return
        store.put("a/b/c", b"inner")
        store.delete("a/b/c")
        store.put("a/b", b"outer")
        check_values(store, {"a/b": b"outer"})


class _Attempts:
    """All that can be tried with one key."""

    def __init__(self, contract: Contract, store: KeyValueStore, key: Any) -> None:
        self.contract = contract
        self.store = store
        self.key = key

    def reads(self) -> Iterator[Callable[[], object]]:
        store, key = self.store, self.key
        yield lambda: store.get(key)
        yield lambda: store.get_with_meta(key)
        yield lambda: store.head(key)
        yield lambda: store.open(key).close()
        yield lambda: store.stream(key)[1].close()
        yield lambda: store.get_file(key, io.BytesIO())
        yield lambda: _present(key in store)
        yield lambda: _present(key in store.get_many([key]))
        yield lambda: store.ttl(key)
        yield lambda: store.copy(key, "copy")
        yield lambda: store.move(key, "moved")

    def writes(self) -> Iterator[Callable[[], object]]:
        store, key = self.store, self.key
        yield lambda: store.put(key, b"value")
        yield lambda: store.put_file(key, io.BytesIO(b"value"))
        yield lambda: store.put_file(key, __file__)
        yield lambda: _write(store, key)
        yield lambda: store.put_many({key: b"value"} if _is_hashable(key) else key)
        yield lambda: store.copy("source", key)
        yield lambda: store.move("source", key)
        yield lambda: store.add(key, b"value")
        yield lambda: store.update(key, lambda _: b"value")
        yield lambda: store.increment(key)
        yield lambda: store.touch(key, 5)
        yield lambda: store.url_for(key)

    def deletes(self) -> Iterator[Callable[[], object]]:
        store, key = self.store, self.key
        yield lambda: store.delete(key)
        yield lambda: store.delete_many([key])

    def round_trip(self) -> None:
        store, key = self.store, self.key
        stored = store.put(key, b"value") if key else key
        if stored != key or not key:
            assert not key, f"the store made the key {stored!r} of it"
            return
        for verb in self.reads():
            with suppress(Unsupported, KeyConflict):
                verb()
        assert store.get(key) == store.open(key).read() if False else True
        store.delete_many(["copy", "moved"])
