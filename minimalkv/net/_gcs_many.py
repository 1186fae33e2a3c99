"""Many objects deleted at once: a hundred with a request."""

import os
import re
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

from urllib3 import HTTPResponse

from minimalkv._errors import AccessDenied, StoreError, StoreUnavailable
from minimalkv._hooks import raise_failed
from minimalkv.net._gcs_calls import Ask, Calls
from minimalkv.net._gcs_errors import Broken, Refused, is_unclear, message_in
from minimalkv.net._parallel import in_parallel

WORKERS: Final = 8
"""How many values are read, written or deleted at once, where many are asked for."""

_BATCH: Final = 100
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
_PART: Final = re.compile(rb"\r\n\r\nHTTP/1\.\d (\d{3}).*?\r\n\r\n(.*)", re.DOTALL)

Failed = dict[str, StoreError]


class _Answer(NamedTuple):
    """What a part of an answer says about one of the objects."""

    status: int
    message: str


def delete_objects(
    calls: Calls, keys: list[str], delete: Callable[[str], object]
) -> None:
    """Delete objects, a hundred with a request.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    keys : list of str
        Which ones.
    delete : callable
        Deletes a single one, where that did not work: it repeats it, or finds out why.

    Raises
    ------
    StoreError
        If some could not be deleted; ``failed_keys`` has their keys.
    """
    failed: Failed = {}
    left = iter(keys)
    while batch := list(islice(left, _BATCH)):
        failed |= _delete_batch(calls, batch, delete)
    if failed:
        raise_failed(failed)


def _delete_batch(
    calls: Calls, keys: list[str], delete: Callable[[str], object]
) -> Failed:
    if len(keys) > 1:
        try:
            answers = _ask_together(calls, keys)
        except (StoreUnavailable, AccessDenied) as error:
            return dict.fromkeys(keys, error)
        except StoreError:
            pass  # a server that does not know such requests
        else:
            found = zip(keys, answers, strict=True)
            keys = [key for key, answer in found if not _is_gone(calls, answer)]
    return _delete_singly(keys, delete)


def _ask_together(calls: Calls, keys: list[str]) -> list[_Answer]:
    mark = os.urandom(16).hex()
    parts = [
        # Without numbers fake-gcs-server answers nothing.
        f"--{mark}\r\nContent-Type: application/http\r\nContent-ID: <{number}>\r\n\r\n"
        f"DELETE {calls.object_path(key)} HTTP/1.1\r\n\r\n\r\n"
        for number, key in enumerate(keys, 1)
    ]
    body = f"{''.join(parts)}--{mark}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/mixed; boundary={mark}",
        "Content-Length": str(len(body)),
    }
    ask = Ask("delete together", "POST", "/batch/storage/v1", None, headers, body)
    return calls(ask, partial(_answers_in, len(keys)))


def _answers_in(count: int, response: HTTPResponse) -> list[_Answer]:
    """Return what is said about each object; the order is that of the request."""
    body: bytes = response.read(decode_content=True)
    match = _BOUNDARY.search(response.headers.get("Content-Type") or "")
    parts = body.split(f"--{match[1]}".encode())[1:-1] if match else []
    found = [_PART.search(part) for part in parts]
    if len(found) != count:
        raise Broken("Not all parts were answered.")
    return [
        _Answer(int(part[1]), message_in(part[2])) if part else _Answer(0, "")
        for part in found
    ]


def _is_gone(calls: Calls, answer: _Answer) -> bool:
    if answer.status != 404:
        return 200 <= answer.status < 300
    is_said = bool(answer.message) and not is_unclear(Refused(*answer))
    return is_said or calls.is_found or calls.has_bucket()


def _delete_singly(keys: list[str], delete: Callable[[str], object]) -> Failed:
    def attempt(key: str) -> StoreError | None:
        try:
            delete(key)
        except StoreError as error:
            return error
        return None

    errors = zip(keys, in_parallel(attempt, keys, WORKERS), strict=True)
    return {key: error for key, error in errors if error is not None}
