"""Words and limits that are the same on every store."""

import re
from typing import Final

FOREVER: Final = "forever"
"""As ``ttl_secs``: the value never expires."""

NOT_SET: Final = "not_set"
"""As ``ttl_secs``: nothing is done about expiry; a new value stays."""

KEEP: Final = "keep"
"""As ``ttl_secs`` of `update`: the expiry of the value that is replaced."""

MAX_KEY: Final = 250
"""Longest key, in characters."""

MAX_KEY_EXTENDED: Final = 1024
"""Longest key of an 'h' store, in characters: what S3, Azure and Google take."""

MAX_SEGMENT: Final = 250
"""Longest part between two slashes, in characters; file names end at 255 bytes."""

VALID_NON_NUM: Final = r"""\`\!"#$%&'()+,-.<=>?@[]^_{}~"""
VALID_KEY_REGEXP: Final = (
    rf"^(?!\.\.?\Z)[{re.escape(VALID_NON_NUM)}0-9a-zA-Z]{{1,{MAX_KEY}}}\Z"
)
VALID_KEY_RE: Final = re.compile(VALID_KEY_REGEXP)
"""Matches exactly the keys that every store takes."""

VALID_NON_NUM_EXTENDED: Final = VALID_NON_NUM + r"/ "
_SEGMENT: Final = (
    rf"(?!\.\.?(?:/|\Z))[{re.escape(VALID_NON_NUM)} 0-9a-zA-Z]{{1,{MAX_SEGMENT}}}"
)
VALID_KEY_REGEXP_EXTENDED: Final = (
    rf"^(?=.{{1,{MAX_KEY_EXTENDED}}}\Z){_SEGMENT}(?:/{_SEGMENT})*\Z"
)
VALID_KEY_RE_EXTENDED: Final = re.compile(VALID_KEY_REGEXP_EXTENDED)
"""Matches exactly the keys that every 'h' store takes."""

CHUNK_BYTES: Final = 256 * 1024
"""How much a stream carries at a time; more was not measurably faster."""

RESERVED_PREFIX: Final = "mkv-"
"""What the keys of sessions, users and caches begin with, and no upload's does."""
