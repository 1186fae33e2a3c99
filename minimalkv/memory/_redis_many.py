"""Many keys of Redis in few messages, and how a value is set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from minimalkv._conditions import exists
from minimalkv._constants import KEEP
from minimalkv._errors import InvalidData, StoreError
from minimalkv._hooks import raise_failed
from minimalkv.memory._redis_calls import Calls
from minimalkv.memory._redis_link import Command

LARGEST_VALUE_BYTES: Final = 512 * 1024 * 1024
"""Redis has no larger value."""

# What a message has at most; a single value may be larger.
_KEYS_AT_ONCE = 1000
_BYTES_AT_ONCE = 8 * 1024 * 1024


def check_size(key: str, size: int) -> None:
    """Refuse a value that Redis would refuse, after all of it was sent."""
    if size > LARGEST_VALUE_BYTES:
        raise InvalidData(
            f"The value of {key!r} has more than 512 MiB, the most that Redis takes. "
            "Store it in files, or in an object store."
        )


def milliseconds(ttl_secs: float) -> bytes:
    """Write a lifetime, which is a millisecond at least unless it is zero."""
    return b"%d" % math.ceil(ttl_secs * 1000)


def set_command(
    key: str, data: bytes, ttl_secs: float | str, *, if_absent: bool
) -> Command:
    """Return the command that stores a value for more than zero seconds."""
    command: Command = (b"SET", key.encode(), data)
    if not isinstance(ttl_secs, str):
        command += (b"PX", milliseconds(ttl_secs))
    elif ttl_secs == KEEP:
        command += (b"KEEPTTL",)
    return (*command, b"NX") if if_absent else command


def get_many(calls: Calls, keys: Sequence[str]) -> dict[str, bytes]:
    """Return the values that are there, in the order of the keys."""
    found: dict[str, bytes] = {}
    for some in slices(keys, _KEYS_AT_ONCE):
        values = calls.ask_keys(b"MGET", [key.encode() for key in some])
        if failed := _failed(calls, some, values):
            raise_failed(failed)
        pairs = zip(some, values, strict=True)
        found.update((key, data) for key, data in pairs if data is not None)
    return found


def delete_many(calls: Calls, keys: Sequence[str]) -> None:
    """Delete values; an error has the keys that were not reached."""
    failed: dict[str, StoreError] = {}
    for number, some in enumerate(slices(keys, _KEYS_AT_ONCE)):
        names = [key.encode() for key in some]
        try:
            answers = calls.ask_keys(b"DEL", names, writes=True, once=calls.waits)
        except StoreError as error:
            # The others would wait as long, and for nothing.
            failed |= dict.fromkeys(keys[number * _KEYS_AT_ONCE :], error)
            break
        failed |= _failed(calls, some, answers, writes=True)
    if failed:
        raise_failed(failed)


def put_many(
    calls: Calls, items: Mapping[str, bytes], ttl_secs: float | str, *, if_absent: bool
) -> None:
    """Store values; an error has the keys for which nobody knows that it went well."""
    failed: dict[str, StoreError] = {}
    batches = list(_batches(items))
    for number, some in enumerate(batches):
        commands = [
            (key.encode(), set_command(key, items[key], ttl_secs, if_absent=if_absent))
            for key in some
        ]
        try:
            answers = calls.ask_each(commands, writes=True, once=if_absent)
        except StoreError as error:
            # The others would wait as long, and for nothing.
            failed |= {key: error for batch in batches[number:] for key in batch}
            break
        there = (key for key, answer in zip(some, answers, strict=True) if not answer)
        failed |= {key: exists(key) for key in there}
        failed |= _failed(calls, some, answers, writes=True)
    if failed:
        raise_failed(failed)


def _failed(
    calls: Calls, keys: Sequence[str], answers: Sequence[Any], *, writes: bool = False
) -> dict[str, StoreError]:
    """Return what became of the keys whose answer is an error."""
    return {
        key: calls.explained(answer, key, writes=writes)
        for key, answer in zip(keys, answers, strict=False)
        if isinstance(answer, Exception)
    }


def _batches(items: Mapping[str, bytes]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for key, data in items.items():
        size += len(data)
        if batch and (len(batch) >= _KEYS_AT_ONCE or size > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], len(data)
        batch.append(key)
    if batch:
        yield batch


def slices(keys: Sequence[str], count: int) -> Iterator[Sequence[str]]:
    """Cut a sequence into parts of at most *count*."""
    return (keys[begin : begin + count] for begin in range(0, len(keys), count))
