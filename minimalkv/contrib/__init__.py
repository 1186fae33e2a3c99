"""Names that upstream exported here."""

from minimalkv._constants import (
    VALID_KEY_RE_EXTENDED,
    VALID_KEY_REGEXP_EXTENDED,
    VALID_NON_NUM_EXTENDED,
)
from minimalkv._mixins import ExtendedKeyspaceMixin

__all__ = [
    "VALID_KEY_REGEXP_EXTENDED",
    "VALID_KEY_RE_EXTENDED",
    "VALID_NON_NUM_EXTENDED",
    "ExtendedKeyspaceMixin",
]
