"""What a store can do beyond the verbs that every store has.

A mixin marks the class, and sets the attribute that code should ask: a wrapper is no
instance of its inner store's mixins, but it passes their attributes on.
"""

import re
from typing import Any, ClassVar

from minimalkv._constants import MAX_KEY_EXTENDED, VALID_KEY_RE_EXTENDED


class _Capability:
    _flag: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Set on the class itself, so that `class S(KeyValueStore, UrlMixin)` has it
        # too: upstream documents that order, and the first base would win.
        super().__init_subclass__(**kwargs)
        for base in cls.__bases__:
            for flag in _flags(base):
                if flag not in cls.__dict__ and getattr(base, flag, True):
                    setattr(cls, flag, True)


def _flags(cls: type) -> set[str]:
    return {base.__dict__["_flag"] for base in cls.__mro__ if "_flag" in base.__dict__}


class TimeToLiveMixin(_Capability):
    """The store lets values expire: ``ttl_support``.

    Its ``_put``, ``_put_file`` and ``_put_filename`` are always given ``ttl_secs``: a
    number of seconds, `FOREVER` or `NOT_SET`; `update` gives them `KEEP`. It has the
    hooks ``_touch``, ``_ttl`` and ``_purge_expired``.
    """

    _flag = "ttl_support"


class ConditionalMixin(_Capability):
    """The store can write only if nobody else did: ``conditional_support``.

    Its ``_put``, ``_put_file``, ``_put_filename`` and ``_open_writer`` take
    ``if_absent`` and ``if_match``, its ``_delete`` takes ``if_match``, and every
    `ObjectMeta` it gives has an ``etag``.
    """

    _flag = "conditional_support"


class CopyMixin(_Capability):
    """The backend copies by itself, without the bytes coming here: ``copy_support``.

    Its hook is ``_copy``, and ``_move`` where moving is more than copy and delete.
    """

    _flag = "copy_support"


class UrlMixin(_Capability):
    """A value has a URL for others: ``url_support``; the hook is ``_url_for``."""

    _flag = "url_support"


class ExtendedKeyspaceMixin:
    """The store takes ``/`` and space in keys; stand it before the store's class."""

    extended_keys: bool = True
    max_key: int = MAX_KEY_EXTENDED
    _key_re: re.Pattern[str] = VALID_KEY_RE_EXTENDED
