"""Many keys deleted with one request."""

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from minimalkv._errors import KeyNotFound, StoreError
from minimalkv.net._azure_calls import Calls
from minimalkv.net._azure_client import Client
from minimalkv.net._azure_errors import BATCH, DELETE, Refusal
from minimalkv.net._batches import in_batches
from minimalkv.net._parallel import failures

_DELETED_AT_ONCE: Final = 256


def delete_blobs(calls: Calls, names: Mapping[str, str]) -> None:
    """Delete blobs, 256 with a request.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    names : mapping of str to str
        Keys, and the names of their blobs.

    Raises
    ------
    StoreError
        If some could not be deleted; ``failed_keys`` has their keys.
    """

    def delete(batch: list[str]) -> dict[str, StoreError]:
        return _delete_batch(calls, {key: names[key] for key in batch})

    in_batches(delete, names, _DELETED_AT_ONCE)


def _delete_batch(calls: Calls, names: Mapping[str, str]) -> dict[str, StoreError]:
    try:
        gone = _send_batch(calls, list(names.values()))
    except StoreError as error:
        if not isinstance(error.__cause__, Refusal):
            raise
        gone = []  # not every account has batches, and not every token allows them
    gone += [False] * (len(names) - len(gone))
    pairs = zip(names, gone, strict=False)
    # One by one, each says what is wrong with it.
    return _delete_singly(calls, {k: names[k] for k, is_gone in pairs if not is_gone})


def _send_batch(calls: Calls, names: list[str]) -> list[bool]:
    def send(client: Client, left_secs: float) -> list[bool]:
        waits: Any = {"connection_timeout": left_secs, "read_timeout": left_secs}
        delete = client.container.delete_blobs
        answers = delete(*names, raise_on_any_failure=False, **waits)
        return [_is_gone(answer) for answer in answers]

    if len(names) < 2:
        return []
    gone: list[bool] = []
    with suppress(ValueError):  # an answer that has no parts
        gone = calls.repeat(calls.asked(BATCH, None), send)
    return gone


def _is_gone(answer: Any) -> bool:
    was_missing: bool = answer.headers.get("x-ms-error-code") == "BlobNotFound"
    return was_missing or answer.status_code == HTTPStatus.ACCEPTED


def _delete_singly(calls: Calls, names: Mapping[str, str]) -> dict[str, StoreError]:
    def delete(key: str) -> None:
        with suppress(KeyNotFound):
            calls(DELETE, key, names[key])

    workers = calls.connection.settings.max_connections
    return failures(delete, names, workers)
