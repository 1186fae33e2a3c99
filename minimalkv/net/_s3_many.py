"""Many objects deleted at once: a thousand with a request."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from minimalkv._errors import StoreError
from minimalkv.net._attempts import Attempts
from minimalkv.net._batches import in_batches
from minimalkv.net._s3_calls import Calls
from minimalkv.net._s3_errors import may_pass, translate

_DELETED_AT_ONCE: Final = 1000


def delete_objects(calls: Calls, names: Mapping[str, str]) -> None:
    """Delete objects, a thousand with a request.

    Parameters
    ----------
    calls : Calls
        Sends the requests.
    names : mapping of str to str
        Keys, and the names of their objects.

    Raises
    ------
    StoreError
        If some could not be deleted; ``failed_keys`` has their keys.
    """

    def delete(batch: list[str]) -> dict[str, StoreError]:
        attempts = Attempts(calls.connection.settings.timeout)
        failed: dict[str, ClientError] = {}
        while batch:
            errors = _delete(calls, {names[key]: key for key in batch})
            failed |= errors
            batch = [key for key, error in errors.items() if may_pass(error)]
            if not (batch and attempts.pause_for_busy()):
                break
            for key in batch:
                del failed[key]
        return {key: _translated(calls, key, each) for key, each in failed.items()}

    in_batches(delete, names, _DELETED_AT_ONCE)


def _delete(calls: Calls, by_name: Mapping[str, str]) -> dict[str, ClientError]:
    objects = [{"Key": name} for name in by_name]
    # Quiet: the answer names only those that are still there.
    response = calls("delete_objects", Delete={"Objects": objects, "Quiet": True})
    errors = {}
    for entry in response.get("Errors", ()):
        key = by_name.get(entry.get("Key"))
        if key is None:
            raise StoreError(
                f"{calls.connection.server} refused to delete {entry.get('Key')!r}, "
                "which nobody asked for. The other keys may be deleted."
            )
        if entry.get("Code") != "NoSuchKey":
            errors[key] = _as_error(entry)
    return errors


def _as_error(entry: dict[str, Any]) -> ClientError:
    status = 403 if entry.get("Code") == "AccessDenied" else 400
    answer = {"Error": entry, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "DeleteObjects")


def _translated(calls: Calls, key: str, error: ClientError) -> StoreError:
    translated = translate(error, calls.asked("delete_objects", key))
    return translated if isinstance(translated, StoreError) else StoreError(str(error))
