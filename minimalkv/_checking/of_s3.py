"""What there is to know about a store on S3."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from botocore.httpsession import where

from minimalkv._checking.backends import Backend, Endpoint
from minimalkv._checking.objects import names_in
from minimalkv.net._s3_errors import _BAD_KEYS, code_of

_CURES: Final = {
    "InvalidAccessKeyId": "Correct the access key in the URL (s3://KEY:secret@…), or "
    "make a new one: this one is unknown or was deleted.",
    "SignatureDoesNotMatch": "Correct the secret in the URL (s3://key:SECRET@…), "
    "percent-encoded (/ as %2F, + as %2B): the access key itself is known.",
    "RequestTimeTooSkewed": "Set the clock of this machine: timedatectl set-ntp true",
}
_OTHER: Final = (
    "Get new credentials, or see what the chain finds: aws sts get-caller-identity"
)


class Checked(Backend):
    """A store on S3."""

    place = "bucket"
    needs = {  # noqa: RUF012 - as the base has it
        "list": "s3:ListBucket",
        "write": "s3:PutObject",
        "read": "s3:GetObject",
        "delete": "s3:DeleteObject",
    }
    asks = "whoever owns the bucket"
    plain_tls = "Add ?is_secure=false to the URL."
    needs_tls = "Leave out ?is_secure=false in the URL."
    never = "00000000000000000000000000000000"
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
        self._calls.bucket._create = False

    def location(self) -> tuple[str, str]:
        # Amazon's buckets have one space of names, whatever the region.
        is_aws = self._calls.connection.is_aws
        server = "aws" if is_aws else self.endpoints()[0].place
        return f"s3 {server} {self._calls.bucket.given}", self.store.object_prefix

    def endpoints(self) -> list[Endpoint]:
        client = self._calls.connection.client
        parts = urlsplit(client.meta.endpoint_url)
        is_secure = parts.scheme == "https"
        # What the settings, the profile and the environment come to.
        verify = client._endpoint.http_session._verify
        ca_file = verify if isinstance(verify, str) else where()
        return [
            Endpoint(
                parts.hostname or "",
                parts.port or (443 if is_secure else 80),
                is_secure,
                ca_file=ca_file,
                verify=verify is not False,
                variable="AWS_CA_BUNDLE",
            )
        ]

    def is_stranger(self, error: Exception) -> bool:
        cause = error.__cause__
        return not isinstance(cause, ClientError) or code_of(cause) in _BAD_KEYS

    def lacks_place(self, error: Exception) -> bool:
        cause = error.__cause__
        return isinstance(cause, ClientError) and code_of(cause) == "NoSuchBucket"

    def cure_for_credentials(self, error: Exception) -> str:
        cause = error.__cause__
        code = code_of(cause) if isinstance(cause, ClientError) else ""
        return _CURES.get(code, _OTHER)

    def cure_for_place(self) -> str:
        name = self._calls.bucket.given
        return (
            f"Correct the name in the URL, or create it: aws s3 mb s3://{name} (with "
            "--endpoint-url, where it is not Amazon's). With create_if_missing the "
            "first use of the store does so, if the key may."
        )

    def write_nothing(self, key: str) -> None:
        # Not by the store, which first finds out whether the server looks at conditions
        # by an object that could not be deleted here.
        name = self.store._name(key)
        self._calls("put_object", key, Key=name, Body=b"", IfMatch=f'"{self.never}"')

    def names(self) -> Iterator[tuple[str, bool]]:
        return names_in(self.store)
