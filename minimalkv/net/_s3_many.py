"""Many keys at once: deleted by one request, read and written side by side."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from minimalkv._errors import StoreError
from minimalkv._hooks import raise_failed
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import translate

WORKERS: Final = 8
"""How many requests are on their way at once."""

_DELETED_AT_ONCE: Final = 1000


def workers(calls: Calls) -> int:
    """Return how many requests to send at once: no more than connections are kept."""
    return min(WORKERS, calls.connection.settings.max_connections)


def delete_objects(calls: Calls, names: Mapping[str, str]) -> None:
    """Delete objects, a thousand with a request.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    names : mapping of str to str
        Names of objects, and the keys they stand for.

    Raises
    ------
    StoreError
        If some could not be deleted; ``failed_keys`` has their keys.
    """
    failed: dict[str, StoreError] = {}
    left = iter(names)
    while batch := list(islice(left, _DELETED_AT_ONCE)):
        try:
            failed |= _delete_batch(calls, names, batch)
        except StoreError as error:
            failed |= {names[name]: error for name in batch}
    if failed:
        raise_failed(failed)


def _delete_batch(
    calls: Calls, names: Mapping[str, str], batch: list[str]
) -> dict[str, StoreError]:
    objects = [{"Key": name} for name in batch]
    # Quiet: the answer names only those that are still there.
    response = calls("delete_objects", Delete={"Objects": objects, "Quiet": True})
    return {
        names[entry["Key"]]: _error(calls, names[entry["Key"]], entry)
        for entry in response.get("Errors", ())
    }


def _error(calls: Calls, key: str, entry: dict[str, Any]) -> StoreError:
    status = 403 if entry.get("Code") == "AccessDenied" else 400
    error = ClientError(
        {"Error": entry, "ResponseMetadata": {"HTTPStatusCode": status}},
        "DeleteObjects",
    )
    translated = translate(error, calls.asked("delete_objects", key))
    return translated if isinstance(translated, StoreError) else StoreError(str(error))
