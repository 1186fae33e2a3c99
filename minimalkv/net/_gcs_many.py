"""Many objects deleted at once: a hundred with a request."""

import os
import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from urllib3 import HTTPResponse

from minimalkv._errors import AccessDenied, StoreError, StoreUnavailable
from minimalkv.net._asked import Broken
from minimalkv.net._batches import in_batches
from minimalkv.net._gcs_calls import Ask, Calls
from minimalkv.net._gcs_errors import Refused, lacks_object, message_in
from minimalkv.net._parallel import failures

_BATCH: Final = 100
_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?')
_PART: Final = re.compile(rb"\r\n\r\nHTTP/1\.\d (\d{3}).*?\r\n\r\n(.*)", re.DOTALL)


class _Answer(NamedTuple):
    """What a part of an answer says about one of the objects."""

    status: int
    message: str


def delete_objects(
    calls: Calls, keys: list[str], delete: Callable[[str], object], workers: int
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
    workers : int
        How many of these are deleted at once.

    Raises
    ------
    StoreError
        If some could not be deleted; ``failed_keys`` has their keys.
    """

    def delete_batch(batch: list[str]) -> dict[str, StoreError]:
        return failures(delete, _still_there(calls, batch), workers)

    in_batches(delete_batch, keys, _BATCH)


def _still_there(calls: Calls, keys: list[str]) -> list[str]:
    """Delete some at once, and return those where it did not work."""
    if len(keys) < 2:
        return keys
    try:
        answers = _ask_together(calls, keys)
    except (StoreUnavailable, AccessDenied):
        raise
    except StoreError:
        return keys  # a server that does not know such requests
    found = zip(keys, answers, strict=True)
    return [key for key, answer in found if not _is_gone(calls, answer)]


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
        raise Broken("answered not all parts of a request")
    return [
        _Answer(int(part[1]), message_in(part[2])) if part else _Answer(0, "")
        for part in found
    ]


def _is_gone(calls: Calls, answer: _Answer) -> bool:
    if answer.status != 404:
        return 200 <= answer.status < 300
    return lacks_object(calls.in_words_of_google(Refused(*answer), "delete"))
