"""How to reach Google Cloud Storage: settings and credentials; nothing connects."""

import json
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import google.auth
from google.auth.credentials import (
    AnonymousCredentials,
    Credentials,
    with_scopes_if_required,
)
from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as ServiceAccountCredentials

from minimalkv._errors import AccessDenied, InvalidArgument, Unsupported

TIMEOUT_SECS: Final = 30.0
MAX_CONNECTIONS: Final = 10

EMULATOR: Final = "STORAGE_EMULATOR_HOST"
"""The variable that names a server for tests, as for Google's own client."""

_OTHER_ENDPOINT: Final = "API_ENDPOINT_OVERRIDE"
_SCOPES: Final = ["https://www.googleapis.com/auth/devstorage.read_write"]
_CURE: Final = (
    "Give a service account (its JSON file, or in a URL gcs://<base64 of it>@bucket), "
    "or set up Application Default Credentials: GOOGLE_APPLICATION_CREDENTIALS names a "
    "file, a machine of Google's has an account, `gcloud auth application-default "
    "login` is for a laptop."
)

# google-auth says that it has types, but has some only.
_anonymous: Final[Callable[[], Credentials]] = AnonymousCredentials
_with_scopes: Final[Callable[[Credentials, list[str]], Credentials]] = (
    with_scopes_if_required
)

Given: TypeAlias = str | bytes | Mapping[str, Any] | Credentials | None
"""Credentials as a store takes them: JSON, the path of its file, or an object."""


@dataclass(frozen=True, repr=False)
class Settings:
    """All that a way to the server is made of."""

    credentials: Given
    project: str | None = None
    timeout: float = TIMEOUT_SECS
    max_connections: int = MAX_CONNECTIONS

    def __getstate__(self) -> dict[str, object]:
        if isinstance(self.credentials, Credentials):
            _check_pickle(self.credentials)
        return self.__dict__

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)


def _check_pickle(credentials: Credentials) -> None:
    try:
        pickle.dumps(credentials)
    except Exception as error:
        kind = type(credentials).__name__
        raise Unsupported(
            f"This store was made of {kind}, which does not pickle. Make it of the "
            "JSON of a service account or the path of its file: both do."
        ) from error


def settings_of(
    credentials: object, project: str | None, timeout: float, max_connections: int
) -> Settings:
    """Return the settings that the arguments of a store say.

    Raises
    ------
    InvalidArgument
        If *credentials* are none of what a store takes.
    """
    if isinstance(credentials, os.PathLike):
        credentials = os.fspath(credentials)
    if credentials is not None and not isinstance(
        credentials, str | bytes | Mapping | Credentials
    ):
        raise InvalidArgument(
            "credentials are the path of a JSON file, its content, an object of "
            f"google.auth, or None, not {type(credentials).__name__}."
        )
    return Settings(credentials, project, timeout, max_connections)


class Identity(NamedTuple):
    """Who asks.

    Attributes
    ----------
    credentials : google.auth.credentials.Credentials
        What requests are authorized with.
    project : str or None
        The project that they belong to.
    """

    credentials: Credentials
    project: str | None


def identify(given: Given, *, emulated: bool) -> Identity:
    """Find out who asks.

    Parameters
    ----------
    given : Given
        What a store was given; None stands for what the machine has.
    emulated : bool
        Whether the server is an emulator: it is shown no credentials, and asks for
        none, unless they are an object.

    Raises
    ------
    AccessDenied
        If there are no credentials, or unusable ones.
    """
    if isinstance(given, Credentials):
        return Identity(_scoped(given), None)
    if emulated:
        project = None if given is None else project_in(read_info(given))
        return Identity(_anonymous(), project)
    credentials, project = _default() if given is None else _read(given)
    return Identity(_scoped(credentials), project)


def signer_of(given: Given, identity: Identity) -> Credentials:
    """Return the credentials that URLs are signed with.

    Raises
    ------
    AccessDenied
        If they are unusable.
    """
    credentials = identity.credentials
    if given is None or not isinstance(credentials, AnonymousCredentials):
        return credentials
    return given if isinstance(given, Credentials) else _read(given)[0]


def _scoped(credentials: Credentials) -> Credentials:
    return _with_scopes(credentials, _SCOPES)


def _default() -> tuple[Credentials, str | None]:
    try:
        return google.auth.default()
    except GoogleAuthError as error:
        raise AccessDenied(f"There are no credentials: {error} {_CURE}") from error


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Credentials]]] = {
    "service_account": ServiceAccountCredentials.from_service_account_info,
    "authorized_user": UserCredentials.from_authorized_user_info,
}


def _read(given: str | bytes | Mapping[str, Any]) -> tuple[Credentials, str | None]:
    info = read_info(given)
    kind = info.get("type")
    make = _KINDS.get(kind) if isinstance(kind, str) else None
    if make is None:
        raise AccessDenied(
            "The JSON of the credentials is neither a service account nor an "
            f"authorized user. {_CURE}"
        )
    try:
        return make(info), project_in(info)
    except (GoogleAuthError, ValueError, TypeError):
        # What is wrong with a private key is not shown, it might be shown with it.
        raise AccessDenied(
            f"The JSON of the credentials ({kind}) is incomplete or damaged. {_CURE}"
        ) from None


def read_info(given: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON of credentials.

    Raises
    ------
    AccessDenied
        If the file cannot be read, or there is no JSON.
    """
    if isinstance(given, Mapping):
        return given
    text = given
    place = "What was given"
    if isinstance(given, str) and not given.lstrip().startswith("{"):
        place = f"The credentials file {given!r}"
        text = _read_file(given)
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    if not isinstance(info, dict):
        raise AccessDenied(f"{place} is no JSON of credentials. {_CURE}")
    return info


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as upstream: any path
            return file.read()
    except OSError as error:
        raise AccessDenied(
            f"The credentials file {path!r} cannot be read ({error.strerror}). {_CURE}"
        ) from error


def project_in(info: Mapping[str, Any]) -> str | None:
    """Return the project that the JSON of credentials names."""
    project = info.get("project_id")
    return project if isinstance(project, str) else None


def endpoint_of(credentials: Credentials) -> str:
    """Return scheme, host and port of the server, which the environment may name."""
    host = os.environ.get(EMULATOR) or os.environ.get(_OTHER_ENDPOINT)
    if not host:
        universe = getattr(credentials, "universe_domain", "googleapis.com")
        return f"https://storage.{universe}"
    if "://" not in host:
        host = f"http://{host}"
    return host.rstrip("/")
