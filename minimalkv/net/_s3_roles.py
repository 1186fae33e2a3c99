"""Credentials that assume a role, and do it again before they end."""

import os
from typing import Any, Final

import botocore.credentials
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

from minimalkv.net._s3_settings import Settings, is_aws

_DURATION_SECS: Final = 3600
_HOME_REGION: Final = "us-east-1"


class _RoleCredentials(botocore.credentials.DeferredRefreshableCredentials):  # type: ignore[misc]  # botocore has no types
    """Assumes the role at the first request, not when the client is made."""

    def __init__(self, refresh: Any, duration_secs: int) -> None:
        super().__init__(refresh, "assume-role")
        # Botocore's own windows are 15 and 10 minutes: with a session that short, the
        # shortest there is, it would assume the role for every single request.
        self._advisory_refresh_timeout = duration_secs // 3
        self._mandatory_refresh_timeout = duration_secs // 6


class RoleProvider:
    """Gives a session of botocore the credentials of a role.

    Parameters
    ----------
    settings : Settings
        Whose ``role`` has the parameters of AssumeRole. Its keys may assume it, or
        where it has none, the credentials that AWS's default chain finds.
    source : botocore.session.Session
        The session that asks for the role.
    """

    def __init__(self, settings: Settings, source: Any) -> None:
        self._settings = settings
        self._source = source

    def load_credentials(self) -> Any:
        """Return credentials that renew themselves; nothing is asked for yet."""
        role = dict(self._settings.role or {})
        duration_secs = int(str(role.get("DurationSeconds", _DURATION_SECS)))
        fetcher = botocore.credentials.AssumeRoleCredentialFetcher(
            client_creator=self._make_client,
            source_credentials=self._source_credentials(),
            role_arn=role.pop("RoleArn"),
            extra_args=role,
            expiry_window_seconds=duration_secs // 3,
        )
        return _RoleCredentials(fetcher.fetch_credentials, duration_secs)

    def _source_credentials(self) -> Any:
        settings = self._settings
        if settings.access_key:
            return botocore.credentials.Credentials(
                settings.access_key, settings.secret_key, settings.session_token
            )
        if settings.given is not None:
            return settings.given[0]
        found = self._source.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found

    def _make_client(self, service: str, **credentials: object) -> Any:
        settings = self._settings
        timeout = settings.timeout
        config = Config(connect_timeout=timeout, read_timeout=timeout)
        return self._source.create_client(
            service,
            endpoint_url=_sts_url(settings.endpoint_url),
            region_name=settings.region_name
            or self._source.get_config_variable("region")
            or _HOME_REGION,
            verify=settings.verify,
            config=config,
            **credentials,
        )


def _sts_url(endpoint_url: str | None) -> str | None:
    """Ask the server itself, as other engines have it, unless a variable names one."""
    if endpoint_url is None or is_aws(endpoint_url):
        return None
    return None if os.environ.get("AWS_ENDPOINT_URL_STS") else endpoint_url
