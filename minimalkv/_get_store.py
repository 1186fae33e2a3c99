"""From a URL, or from a type and its parameters, to a store."""

from functools import reduce
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from minimalkv._errors import InvalidArgument, InvalidURL
from minimalkv._masking import MIGRATE, mask, plain_text
from minimalkv._options import UNIVERSAL, check_names, read_value, text
from minimalkv._quietly import quiet_log as _log
from minimalkv._registry import find, load
from minimalkv._schemes import Family, Params, typed_params
from minimalkv._store_decoration import (
    WRAPPERS,
    decorate_store,
    read_wrapper,
    split_wrappers,
)
from minimalkv._urls import (
    ParsedURL,
    check_wrappers,
    choose_wrappers,
    parse_url,
    split_scheme,
    url_params,
)

if TYPE_CHECKING:
    from minimalkv._key_value_store import KeyValueStore

_CREATE = "create_if_missing"
_WRAP = text("Names of wrappers, with plus signs between them.")


def get_store_from_url(
    url: str, store_cls: "type[KeyValueStore] | None" = None
) -> "KeyValueStore":
    """Return the store that a URL describes, inside of its wrappers.

    Nothing connects before the first call on the store.

    Parameters
    ----------
    url : str
        ``scheme[+wrapper…]://…[?options][#wrap:name(argument)+name…]``. User and
        password are percent-encoded. ``minimalkv._registry.BACKENDS`` has the schemes
        and their options; a `StoreURL` prints without its secrets.
    store_cls : type, optional
        What the store has to be, before wrappers.

    Returns
    -------
    KeyValueStore
        A new store at every call.

    Raises
    ------
    InvalidURL
        If the URL is wrong, or its store is no ``store_cls``. The message names what
        is wrong and the cure, and no secret.
    UnknownScheme
        If no store is registered under the scheme.
    MissingExtra
        If a package that the store needs is not installed.

    Examples
    --------
    >>> store = get_store_from_url("memory://#wrap:prefix(a-)")
    >>> store.put("key", b"value")
    'key'
    """
    parsed = parse_url(url)
    backend = find(parsed.scheme)
    # Before the import: a wrong URL is reported also where the SDK is missing.
    params = url_params(parsed)
    cls = _load(parsed.scheme, store_cls)
    if backend.family is None:
        store = _open_third_party(cls, parsed, params)
    else:
        # A token for one container does not suffice to create it.
        params.setdefault(_CREATE, not params.get("use_sas", False))
        store = _make(cls, **params, **backend.preset)
    return _opened(reduce(decorate_store, parsed.wrappers, store), mask(url))


def get_short_lived_store(
    url: str, timeout_secs: float | None = None
) -> "KeyValueStore":
    """Return the store of a URL for what a power cut may cost: sessions, cached values.

    Parameters
    ----------
    url : str
        As for `get_store_from_url`. A filesystem URL that does not say otherwise gets
        ``fsync=false``, for which a put takes a third of the time; so does one in
        ``migrate(…)``.
    timeout_secs : float, optional
        The ``timeout`` of a network URL that does not say otherwise, in seconds.

    Returns
    -------
    KeyValueStore
        A new store at every call.

    Raises
    ------
    InvalidURL, UnknownScheme, MissingExtra
        As for `get_store_from_url`.
    """
    return get_store_from_url(_short_lived(plain_text(url), timeout_secs))


def _short_lived(url: str, timeout_secs: float | None) -> str:
    parsed = parse_url(url)
    for spec in parsed.wrappers:
        wrapper, arguments = read_wrapper(spec)
        if wrapper is WRAPPERS[MIGRATE]:
            old = quote(_short_lived(arguments[0], timeout_secs), safe="")
            url = url.replace(spec, f"{MIGRATE}({old})")
    wanted = {"fsync": "false"}
    if timeout_secs is not None:
        wanted["timeout"] = f"{timeout_secs:g}"
    options = find(parsed.scheme).options
    added = "&".join(
        f"{name}={value}"
        for name, value in wanted.items()
        if name in options and name not in parsed.options
    )
    if not added:
        return url
    place, hash_sign, fragment = url.partition("#")
    sign = "&" if "?" in place else "?"
    return f"{place}{sign}{added}{hash_sign}{fragment}"


def get_store(
    type: str,  # noqa: A002 - the name that callers use
    create_if_missing: bool = True,
    **params: Any,
) -> "KeyValueStore":
    """Return the store of a type, opened with parameters instead of a URL.

    Parameters
    ----------
    type : str
        A scheme, such as ``"hfs"``, with wrappers or without: ``"hfs+readonly"``.
    create_if_missing : bool
        Whether to create the folder, bucket or container. Has to be False with a
        shared access signature of Azure. Means nothing to Redis and memory.
    **params : object
        What the URL of the type has, typed or as the text of a URL; None counts as
        not given. All take the options of their scheme and ``wrap="readonly+ttl"``.

        - ``fs``: ``path``
        - ``redis``: ``host port hosts username password db``
        - ``s3``: ``host access_key secret_key bucket object_prefix``
        - ``azure``: ``account_name account_key container``
        - ``gcs``: ``credentials bucket_name``

    Returns
    -------
    KeyValueStore
        A new store at every call.

    Raises
    ------
    InvalidURL
        If a parameter is unknown, missing, or of no use.
    UnknownScheme, MissingExtra
        As `get_store_from_url`.

    Examples
    --------
    >>> get_store("memory", wrap="readonly").keys()
    []
    """
    scheme, wrappers = split_scheme(type)
    wrap = params.pop("wrap", None)
    if wrap is not None:
        specs = split_wrappers(str(read_value("wrap", _WRAP, wrap)))
        wrappers = choose_wrappers(wrappers, check_wrappers(specs))
    params[_CREATE] = create_if_missing
    backend = find(scheme)
    if backend.family is not None:
        params = _check_params(backend.family, params)
    cls = load(scheme)
    if backend.family is None:
        params = _third_party_params(cls, params)
    store = _make(cls, **params, **backend.preset)
    found = reduce(decorate_store, wrappers, store)
    return _opened(found, repr(found))


def _opened(store: "KeyValueStore", shown: str) -> "KeyValueStore":
    _log.debug("A store was opened: %s", shown)
    return store


def _make(cls: "type[KeyValueStore]", **params: Any) -> "KeyValueStore":
    try:
        return cls._from_params(**params)
    except InvalidArgument as error:
        raise InvalidURL(str(error)) from error


def _check_params(family: Family, params: Params) -> Params:
    known = {**UNIVERSAL, **family.options, **family.parameters}
    for name in params:
        check_names([name], known)
    return typed_params(family, params)


def _load(
    scheme: str, store_cls: "type[KeyValueStore] | None"
) -> "type[KeyValueStore]":
    cls = load(scheme)
    if store_cls is None or issubclass(cls, store_cls):
        return cls
    raise InvalidURL(
        f"The scheme {scheme!r} gives a {cls.__name__}, which does not match the "
        f"store class {store_cls.__name__}."
    )


def _open_third_party(
    cls: "type[KeyValueStore]", url: ParsedURL, params: Params
) -> "KeyValueStore":
    declared = getattr(cls, "url_options", None)
    if declared is not None:
        check_names((name for name, _ in url.pairs), {*UNIVERSAL, *declared})
    from_url = getattr(cls, "_from_url", None)
    if from_url is None:
        return cls._from_params(**_third_party_params(cls, params))
    store: KeyValueStore = from_url(url)
    return store


def _third_party_params(cls: "type[KeyValueStore]", params: Params) -> Params:
    """Leave out what everybody may ask for and not every class takes."""
    kept = {name: value for name, value in params.items() if name != _CREATE}
    if _CREATE in params and _CREATE in getattr(cls, "url_options", ()):
        kept[_CREATE] = read_value(_CREATE, UNIVERSAL[_CREATE], params[_CREATE])
    return kept
