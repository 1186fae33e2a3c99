"""How to reach Google Cloud Storage: settings and credentials; nothing connects."""

import json
import os
import pickle
import re
import warnings
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import google.auth
from google.auth.credentials import (
    DEFAULT_UNIVERSE_DOMAIN,
    AnonymousCredentials,
    Credentials,
    with_scopes_if_required,
)
from google.auth.exceptions import GoogleAuthError
from google.auth.transport import Request
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as ServiceAccountCredentials

from minimalkv._errors import (
    AccessDenied,
    InvalidArgument,
    StoreError,
    StoreUnavailable,
    Unsupported,
)
from minimalkv.net._gcs_tokens import Unanswered

TIMEOUT_SECS: Final = 30.0
MAX_CONNECTIONS: Final = 10

EMULATOR: Final = "STORAGE_EMULATOR_HOST"
"""The variable that names a server for tests, as for Google's own client."""

_OTHER_ENDPOINT: Final = "API_ENDPOINT_OVERRIDE"
_UNIVERSE: Final = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
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
_load: Final[Callable[[dict[str, Any]], tuple[Credentials, str | None]]] = (
    google.auth.load_credentials_from_dict
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


def identify(given: Given, ask: Request, *, emulated: bool) -> Identity:
    """Find out who asks.

    Parameters
    ----------
    given : Given
        What a store was given; None stands for what the machine has.
    ask : google.auth.transport.Request
        Sends the requests of google-auth, if it has to find out where it runs.
    emulated : bool
        Whether the server is an emulator: it is shown no credentials, and asks for
        none, unless they are an object.

    Raises
    ------
    AccessDenied
        If there are no credentials, or unusable ones.
    StoreUnavailable
        If the machine's server of credentials does not answer in time.
    """
    if isinstance(given, Credentials):
        return Identity(_scoped(given), None)
    if emulated:
        project = None if given is None else project_in(read_info(given))
        return Identity(_anonymous(), project)
    credentials, project = _default(ask) if given is None else _read(given)
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
    return _with_scopes(_settled(credentials), _SCOPES)


def _settled(credentials: Credentials) -> Credentials:
    """Return the same, but knowing whose cloud it is, where it would ask for that.

    A machine asks the server of its credentials, for half a minute if that is silent,
    and again with every use. All but a few are in Google's own cloud.
    """
    from google.auth import compute_engine  # emulators do without

    machine: Any = credentials
    if not isinstance(credentials, compute_engine.Credentials) or getattr(
        machine, "_universe_domain_cached", False
    ):
        return credentials
    universe = os.environ.get(_UNIVERSE) or DEFAULT_UNIVERSE_DOMAIN
    settled: Credentials = machine.with_universe_domain(universe)
    return settled


def _default(ask: Request) -> tuple[Credentials, str | None]:
    failed: type[StoreError] = AccessDenied
    try:
        return google.auth.default(request=ask)
    except Unanswered:
        failed, why = StoreUnavailable, "the server of this machine's is silent."
    except GoogleAuthError as error:
        why = str(error)
    raise failed(f"There are no credentials: {why} {_CURE}")


_KINDS: Final[Mapping[str, Callable[[Mapping[str, Any]], Credentials]]] = {
    "service_account": ServiceAccountCredentials.from_service_account_info,
    "authorized_user": UserCredentials.from_authorized_user_info,
}


def _read(given: str | bytes | Mapping[str, Any]) -> tuple[Credentials, str | None]:
    info = read_info(given)
    kind = info.get("type")
    if not isinstance(kind, str) or not re.fullmatch("[a-z_]{1,50}", kind):
        raise AccessDenied(f"The JSON of the credentials says no type. {_CURE}")
    # What is wrong with a private key is not shown, it might be shown with it.
    with suppress(GoogleAuthError, ValueError, TypeError, LookupError, AttributeError):
        return _KINDS.get(kind, _of_other_kind)(info), project_in(info)
    raise AccessDenied(
        f"The JSON of the credentials ({kind}) is incomplete, damaged, or of a kind "
        f"that google-auth does not know. {_CURE}"
    )


def _of_other_kind(info: Mapping[str, Any]) -> Credentials:
    with warnings.catch_warnings():
        # Not to trust what others wrote; this is what the caller did.
        warnings.simplefilter("ignore", DeprecationWarning)
        return _load(dict(info))[0]


def read_info(given: str | bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON of credentials.

    Raises
    ------
    AccessDenied
        If the file cannot be read, or there is no JSON.
    """
    if isinstance(given, Mapping):
        return given
    info = _json_in(given) or _json_in(_decoded(given))
    if info is None and isinstance(given, str):
        info = _json_in(_read_file(given))
    if info is None:
        raise AccessDenied(
            "What was given is no JSON of credentials, nor the path of a file with "
            f"such JSON. {_CURE}"
        )
    return info


def _json_in(text: str | bytes) -> Mapping[str, Any] | None:
    with suppress(ValueError, RecursionError):
        # An editor may have put a mark of its encoding in front.
        info = json.loads(
            text.removeprefix("\ufeff") if isinstance(text, str) else text
        )
        return info if isinstance(info, dict) else None
    return None


def _decoded(text: str | bytes) -> bytes:
    """Return what a text is the base64 of, as a URL has credentials."""
    data = text.encode() if isinstance(text, str) else text
    with suppress(ValueError):
        padded = data.strip() + b"=" * (-len(data.strip()) % 4)
        return b64decode(padded.translate(_TO_URL_SAFE), b"-_", validate=True)
    return b""


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as upstream: any path
            return file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no path"
    # Anything else may be a key or a token that somebody took for JSON.
    place = f" {path!r}" if path.endswith(".json") or os.path.lexists(path) else ""
    raise AccessDenied(f"The credentials file{place} cannot be read ({why}). {_CURE}")


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
