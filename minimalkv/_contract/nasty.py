"""Texts that somebody might try as a key, and objects that are none."""

from pathlib import Path
from typing import Final


def _words(text: str) -> list[str]:
    return text.split()


_UP: Final = _words(
    ". .. ... .... ../x ../../x ../../../../../../etc/passwd a/.. a/../b a/../../x ./x "
    "x/. x/./y .../x ..../x ....//x ..\\x ..\\..\\x \\..\\x ..%2fx ..%2Fx %2e%2e "
    "%2e%2e/x %2e%2e%2fx %252e%252e%252fx ..%5cx ..%c0%afx ..;/x ..//x /../x "
    "f/g/../../../x ~ ~root ~/x $HOME ${HOME}/x file:///etc/passwd %2E %2E%2E .%2e "
    "..a a..b ..a/b .a .. ...a/.b .git/config"
)
_SLASHES: Final = _words(
    "/ // /x //x ///x x/ x// y//z y///z y/z/ /etc/passwd \\ \\\\ p\\ q\\r \\s q\\\\r "
    "t\\/u v/\\w /\\ \\/ \\\\server\\share //server/share C:\\x C:x C:/x "
    "a/b/c/d/e/f/g/h/i d/d/d/d"
)
_CONTROL: Final = [
    *("\0", "x\0", "\0x", "x\0y", "\n", "x\n", "\nx", "x\ny", "x\n\n", "x\r", "x\r\n"),
    *(
        "\r\nSet-Cookie: x=y",
        "\t",
        "x\ty",
        "x\t",
        "\v",
        "\f",
        "\x1b[31m",
        "\x7f",
        "\x80",
    ),
    *("\x85", "x\x1fy", "\b", "..\n", "../x\n", "x/\n", "x/..\n"),
]
_UNICODE: Final = [
    *(
        "\u00e4",
        "a\u0308",
        "\uff0e\uff0e",
        "\uff0e\uff0e\uff0fx",
        "x\uff0fy",
        "x\u2215y",
    ),
    *("\u2024\u2024/x", "\u2025", "x\u2044y", "\u202e", "x\u202egnp.exe", "\u200b"),
    *(
        "x\u200by",
        "\u200d",
        "\ufeff",
        "\ufeffx",
        "\u00a0",
        "\u2028",
        "\u2029",
        "\u3000",
    ),
    *("\u017f", "\u0131", "\u0130", "\u212a", "\u00df", "\ufb01", "\u2126", "\u03a9"),
    *("\u0661", "\uff11", "\u65e5\u672c\u8a9e", "\U0001f600", "\u05d0", "\u0e33"),
    *("\U0001f469\u200d\U0001f467", "\ud800", "\udfff", "x\udc80y", "\udce4"),
    *("\ud83d\ude00", "\U0010ffff", "\ufffe", "\ue000", "\u00e9" * 125, "\u00e4" * 250),
]
_WINDOWS: Final = _words(
    "CON con PRN AUX aux.txt NUL nul.tar.gz COM1 LPT1.txt CLOCK$ m:n m::$DATA k. k.. "
    'k... k* k? k|l k<l k>l k"l desktop.ini Thumbs.db PROGRA~1 K k'
)
_SPACES: Final = [
    "",
    " ",
    "  ",
    "u ",
    " u",
    "u v",
    "w/ ",
    "w2/ /x",
    " z/x",
    "  /x y/ z",
]
_TEXTS: Final = [
    *("$(touch x)", "`touch`x", ";rm -rf .", "x;y", ";put-00", ";locks", ";locks/00"),
    *("|cat", "&&true", "--help", "-rf", "-", "_", "'OR'1'='1", '";DROP TABLE keys;--'),
    *(
        "{}",
        "{0}",
        "{0.__class__}",
        "%s",
        "%d%n",
        "%",
        "%%",
        "%4",
        "%zz",
        "%00",
        "x%00y",
    ),
    *("${jndi:ldap://x}", "<script>", "a=b&c=d", "?versionId=1", "e?f#g", "#", "e#f"),
    *("*", "h*llo", "h?llo", "h[ae]llo", "[a-z]", "[!a]", "{a,b}", "(a)", "!", "a,b"),
    *(
        "hello",
        "hallo",
        "a+b",
        "+",
        "a%20b",
        "a%2Fb",
        "a%2fb",
        "a&amp;b",
        "@",
        "^",
        "=",
        "~1",
    ),
    *(
        "'",
        '"',
        "`",
        "&",
        "&&",
        "$",
        "$$",
        "$1",
        "\\1",
        "\\x00",
        "\\u0000",
        "[",
        "]",
        "][",
    ),
    *("Content-Type: text/html", "null", "None", "undefined", "NaN", "true", "0", "00"),
    *(
        "-0",
        "1e309",
        "__proto__",
        "constructor",
        "__class__",
        "__init__.py",
        ".htaccess",
    ),
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
