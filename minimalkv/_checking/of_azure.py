"""What there is to know about a store on Azure."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from minimalkv._checking.backends import Backend, Endpoint
from minimalkv._checking.objects import names_in
from minimalkv._checking.over_requests import trusted
from minimalkv.net._azure_errors import _BAD_KEYS, Refusal

_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_REFUSED: Final = _BAD_KEYS | {
    "KeyBasedAuthenticationNotPermitted",
    "AccountIsDisabled",
}
_PROTOCOL: Final = "default_endpoints_protocol"


class Checked(Backend):
    """A store on Azure."""

    place = "container"
    needs = {  # noqa: RUF012 - as the base has it
        "list": f"{_BLOBS}/read (in a token l)",
        "write": f"{_BLOBS}/write (in a token w and c)",
        "read": f"{_BLOBS}/read (in a token r)",
        "delete": f"{_BLOBS}/delete (in a token d)",
    }
    asks = "whoever owns the storage account"
    plain_tls = f"Say http in blob_endpoint, or {_PROTOCOL}=http."
    needs_tls = f"Say https in blob_endpoint, or leave out {_PROTOCOL}=http."
    no_host = "There may be no storage account of that name: correct it. Else: "
    never = "0x8D0000000000000"
    is_remote = True

    @property
    def _calls(self) -> Any:
        return self.store._calls

    def tame(self, timeout_secs: float) -> None:
        connection = self._calls.connection
        settings = connection.settings
        connection.settings = replace(
            settings,
            connect_secs=min(settings.connect_secs, timeout_secs),
            read_secs=min(settings.read_secs, timeout_secs),
            timeout=min(settings.timeout, timeout_secs),
        )

    def create_nothing(self) -> None:
        self._calls._create = False

    def location(self) -> tuple[str, str]:
        parts = urlsplit(self._calls.connection.client.url)
        return f"azure {parts.netloc}{parts.path}", ""

    def endpoints(self) -> list[Endpoint]:
        parts = urlsplit(self._calls.connection.client.url)
        is_secure = parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        return [Endpoint(parts.hostname or "", port, is_secure, ca_file=trusted())]

    def is_stranger(self, error: Exception) -> bool:
        cause = error.__cause__
        return not isinstance(cause, Refusal) or cause.code in _REFUSED

    def lacks_place(self, error: Exception) -> bool:
        cause = error.__cause__
        return isinstance(cause, Refusal) and cause.code == "ContainerNotFound"

    def cure_for_credentials(self, error: Exception) -> str:
        del error
        return (
            "Copy the key again: az storage account keys list -n ACCOUNT; a token may "
            "have expired. Azure does not tell a wrong key from a network that its "
            "firewall keeps out: ask whoever owns the account."
        )

    def cure_for_place(self) -> str:
        return (
            "Correct the name in the URL, or create it: az storage container create -n "
            f"{self.store.container} --account-name ACCOUNT. With create_if_missing "
            "the first use of the store does so, if the key may."
        )

    def names(self) -> Iterator[tuple[str, bool]]:
        return names_in(self.store)
