"""Wrappers by name, as URLs have them: ``readonly``, ``prefix(photos/)``."""

import re
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple

from minimalkv._errors import InvalidArgument, InvalidKey, InvalidURL, Unsupported
from minimalkv._masking import MIGRATE, mask_wrappers
from minimalkv._url_text import percent_decode, show, unknown_name

if TYPE_CHECKING:
    from minimalkv._key_value_store import KeyValueStore


class Wrapper(NamedTuple):
    """A class whose instances wrap a store, and the arguments it takes before that."""

    module: str
    name: str
    arguments: tuple[str, ...] = ()


WRAPPERS: Final = {
    MIGRATE: Wrapper("minimalkv.migration", "MigrationDecorator", ("old",)),
    "prefix": Wrapper("minimalkv.decorator", "PrefixDecorator", ("prefix",)),
    "readonly": Wrapper("minimalkv.decorator", "ReadOnlyDecorator"),
    "ttl": Wrapper("minimalkv.ttl", "TimeToLiveDecorator"),
    "urlencode": Wrapper("minimalkv.decorator", "URLEncodeKeysDecorator"),
}

_PLUS = re.compile(r"\+(?![^(]*\))")  # but for one inside of parentheses
_SPEC = re.compile(r"(\w+)(?:\(([^()]*)\))?")


def decorate_store(store: "KeyValueStore", decoratorname: str) -> "KeyValueStore":
    """Return the store inside of a wrapper.

    Parameters
    ----------
    store : KeyValueStore
        The store to wrap.
    decoratorname : str
        A name of ``WRAPPERS``, with its arguments in parentheses when it takes some:
        percent-encoded, with commas between them.

    Returns
    -------
    KeyValueStore
        The wrapper.

    Raises
    ------
    InvalidURL
        If there is no such wrapper, it takes other arguments, or does not fit.

    Examples
    --------
    >>> from minimalkv.memory import DictStore
    >>> store = DictStore()
    >>> decorate_store(store, "prefix(a-)").put("key", b"value")
    'key'
    >>> store.keys()
    ['a-key']
    """
    wrapper, arguments = read_wrapper(decoratorname)
    cls = getattr(import_module(wrapper.module), wrapper.name)
    try:
        wrapped: KeyValueStore = cls(*arguments, store)
    except (InvalidKey, InvalidArgument, Unsupported) as error:
        shown = mask_wrappers(decoratorname)
        raise InvalidURL(f"{shown!r} does not fit the store: {error}") from error
    return wrapped


def split_wrappers(text: str) -> list[str]:
    """Return the parts of ``a+prefix(b)+c``; a plus in parentheses divides nothing."""
    return _PLUS.split(text)


def read_wrapper(spec: str) -> tuple[Wrapper, list[str]]:
    """Return the wrapper that a text such as ``prefix(x)`` names, and its arguments.

    Raises
    ------
    InvalidURL
        As `decorate_store` does.
    """
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise InvalidURL(
            f"{show(spec.partition('(')[0])} is no wrapper. Write a name, or a name "
            "and arguments such "
            f"as 'prefix(photos)'. Known: {', '.join(sorted(WRAPPERS))}."
        )
    name, inside = match[1].lower(), match[2]
    wrapper = WRAPPERS.get(name)
    if wrapper is None:
        raise InvalidURL(unknown_name("wrapper", name, WRAPPERS))
    arguments = inside.split(",") if inside else []
    _check_count(name, wrapper, arguments)
    part, secret = f"argument of {name}()", name == MIGRATE
    return wrapper, [percent_decode(text, part, secret=secret) for text in arguments]


def _check_count(name: str, wrapper: Wrapper, arguments: list[str]) -> None:
    if len(arguments) == len(wrapper.arguments):
        return
    usage = f"{name}({','.join(wrapper.arguments)})" if wrapper.arguments else name
    raise InvalidURL(
        f"The wrapper {name!r} is written {usage!r}, not with {len(arguments)} "
        "arguments. A comma or a parenthesis in an argument is percent-encoded."
    )
