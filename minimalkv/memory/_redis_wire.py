"""What goes over the wire to Redis: commands as bytes, and scripts."""

from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Final, NamedTuple

LARGEST_ETAG_BYTES: Final = 16 * 1024 * 1024
"""Up to here a value has an etag: hashing more would hold up all other clients."""

MOST_COMPARED_BYTES: Final = 16 * 1024
"""Up to here the old value is sent, to be compared, rather than its etag.

A script that hashes takes longer than a packet on its way, and no other client is
served meanwhile.
"""

# What is larger is sent as it is. Measured: up to here it takes less time to copy it
# than to send it after its length; at 64 KiB the copy saves a third.
_COPIED_BYTES = 256 * 1024


def etag_of(data: bytes) -> str:
    """Return the etag of a value as the scripts do, or "" if it has none."""
    if len(data) > LARGEST_ETAG_BYTES:
        return ""
    return sha1(data, usedforsecurity=False).hexdigest()


class SeenEtag(str):
    """Stands for the etag of a value that was read, and has the value instead.

    Its own text is no etag: to make one takes longer than to compare the value.

    Attributes
    ----------
    data : bytes
        The value.
    """

    __slots__ = ("data",)

    data: bytes


def seen_etag_of(data: bytes) -> str:
    """Return what is as good as the etag of a value for a condition."""
    if len(data) > MOST_COMPARED_BYTES:
        return etag_of(data)
    seen = SeenEtag("seen")
    seen.data = data
    return seen


def pack(*arguments: bytes) -> list[bytes]:
    """Write a command as Redis reads it, in pieces of which the large are no copies."""
    return pack_all((arguments,))


def pack_all(commands: Iterable[Sequence[bytes]]) -> list[bytes]:
    """Write many commands as one message."""
    pieces: list[bytes] = []
    parts: list[bytes] = []
    for arguments in commands:
        parts.append(b"*%d\r\n" % len(arguments))
        for argument in arguments:
            parts.append(b"$%d\r\n" % len(argument))
            if len(argument) <= _COPIED_BYTES:
                parts += (argument, b"\r\n")
            else:
                pieces += (b"".join(parts), argument)
                parts = [b"\r\n"]
    pieces.append(b"".join(parts))
    return pieces


class Script(NamedTuple):
    """A Lua script, and the name under which Redis remembers it."""

    source: bytes
    sha: bytes

    def call(self, keys: Sequence[bytes], *arguments: bytes) -> tuple[bytes, ...]:
        """Return the command that runs it where Redis remembers it."""
        return (b"EVALSHA", self.sha, b"%d" % len(keys), *keys, *arguments)

    def first_call(self, keys: Sequence[bytes], *arguments: bytes) -> tuple[bytes, ...]:
        """Return the command that runs it and lets Redis remember it."""
        return (b"EVAL", self.source, b"%d" % len(keys), *keys, *arguments)


def _script(source: str) -> Script:
    text = source.replace("LARGEST", str(LARGEST_ETAG_BYTES)).encode()
    name = sha1(text, usedforsecurity=False).hexdigest()
    return Script(text, name.encode())


READ: Final = _script("""
local size = redis.call('STRLEN', KEYS[1])
if size == 0 and redis.call('EXISTS', KEYS[1]) == 0 then return false end
local start, stop = tonumber(ARGV[1]), size
if ARGV[2] ~= '' then stop = math.min(tonumber(ARGV[2]), size) end
if start < 0 then start = math.max(size + start, 0) end
local etag, part, whole = '', '', nil
if size <= LARGEST then
  whole = redis.call('GET', KEYS[1])
  etag = redis.sha1hex(whole)
end
if start < stop then
  if whole then
    part = string.sub(whole, start + 1, stop)
  else
    part = redis.call('GETRANGE', KEYS[1], start, stop - 1)
  end
end
return {size, redis.call('PTTL', KEYS[1]), etag, part}
""")
"""Size, milliseconds to live, etag and the bytes from ARGV[1] to before ARGV[2]."""

# Before a script says that it does not write, it tries a write that changes nothing: a
# replica refuses that. What it knows may be old, so it is no reason. Not at the start,
# since a script that has written may go on where memory is full.
_SAME_ONLY = """
if redis.call('STRLEN', KEYS[1]) > LARGEST then
  redis.call('SETRANGE', KEYS[1], 0, '')
  return 0
end
local old = redis.call('GET', KEYS[1])
if not old or redis.sha1hex(old) ~= ARGV[1] then
  redis.call('GETEX', KEYS[1])
  return 0
end
"""

REPLACE: Final = _script(f"""{_SAME_ONLY}
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], ARGV[2])
elseif ARGV[3] == 'KEEPTTL' then
  redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
""")
"""Store ARGV[2], for ARGV[3] milliseconds, if the etag is ARGV[1]; returns 1 or 0."""

DELETE: Final = _script(f"""{_SAME_ONLY}
return redis.call('DEL', KEYS[1])
""")
"""Delete if the etag is ARGV[1]; returns 1 or 0."""

OVERFLOW: Final = b"overflow"
NO_NUMBER: Final = b"no number"

ADD: Final = _script("""
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('GETEX', KEYS[1])
  return false
end
local sum = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(sum) ~= 'table' then return redis.call('GET', KEYS[1]) end
if string.find(sum.err, 'overflow', 1, true) then return 'overflow' end
if string.find(sum.err, 'not an integer', 1, true) then return 'no number' end
return sum
""")
"""Add ARGV[1]; returns the sum as text, since numbers of Lua end at 53 bits."""

PERSIST: Final = _script("""
redis.call('PERSIST', KEYS[1])
return redis.call('EXISTS', KEYS[1])
""")
"""Take the expiry away; returns 1 if there is a value, else 0."""

MOVE: Final = _script("""
local done = redis.pcall('RENAME', KEYS[1], KEYS[2])
if not done.err then return 1 end
if string.find(done.err, 'no such key', 1, true) then return 0 end
return done
""")
"""Store KEYS[1] under KEYS[2] instead, with its expiry; returns 0 if it is missing."""
