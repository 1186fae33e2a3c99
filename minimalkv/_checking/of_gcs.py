"""What there is to know about a store on Google Cloud Storage."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from minimalkv._checking.backends import Backend, Endpoint
from minimalkv._checking.objects import names_in
from minimalkv._checking.over_requests import trusted
from minimalkv._errors import AccessDenied, StoreUnavailable
from minimalkv.net._gcs_errors import Refused, lacks_bucket
from minimalkv.net._gcs_settings import endpoint_of

_UNAUTHORIZED: Final = 401


class Checked(Backend):
    """A store on Google Cloud Storage."""

    place = "bucket"
    needs = {  # noqa: RUF012 - as the base has it
        "list": "storage.objects.list",
        "write": "storage.objects.create (and storage.objects.delete to replace)",
        "read": "storage.objects.get",
        "delete": "storage.objects.delete",
    }
    asks = "whoever owns the bucket"
    plain_tls = "Correct STORAGE_EMULATOR_HOST: it says https."
    needs_tls = "Correct STORAGE_EMULATOR_HOST: it says http."
    never = "1"
    is_remote = True

    @property
    def _calls(self) -> Any:
        return self.store._calls

    def tame(self, timeout_secs: float) -> None:
        connection = self._calls.connection
        settings = connection.settings
        timeout = min(settings.timeout, timeout_secs)
        connection.settings = replace(settings, timeout=timeout)

    def create_nothing(self) -> None:
        self._calls.bucket = self._calls.bucket._replace(create=False)

    def location(self) -> tuple[str, str]:
        return f"gcs {self.endpoints()[0].place} {self.store.bucket_name}", ""

    def endpoints(self) -> list[Endpoint]:
        try:
            url = self._calls.connection.client.endpoint
        except (AccessDenied, StoreUnavailable):
            # Without credentials; the first call will tell why.
            nobody: Any = None
            url = endpoint_of(nobody)
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        return [Endpoint(parts.hostname or "", port, is_secure, ca_file=trusted())]

    def is_stranger(self, error: Exception) -> bool:
        cause = error.__cause__
        return not isinstance(cause, Refused) or cause.status == _UNAUTHORIZED

    def lacks_place(self, error: Exception) -> bool:
        cause = error.__cause__
        return isinstance(cause, Refused) and lacks_bucket(cause)

    def cure_for_credentials(self, error: Exception) -> str:
        del error
        return (
            "Make a new key: gcloud iam service-accounts keys create key.json "
            "--iam-account=ACCOUNT, and write its base64 into the URL; or log this "
            "machine in: gcloud auth application-default login"
        )

    def cure_for_place(self) -> str:
        return (
            "Correct the name in the URL, or create it: gcloud storage buckets create "
            f"gs://{self.store.bucket_name}. With create_if_missing the first use of "
            "the store does so, if the account may."
        )

    def names(self) -> Iterator[tuple[str, bool]]:
        return names_in(self.store)
