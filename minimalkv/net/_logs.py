"""What goes into the log, and what urllib3 must not write into it."""

import logging
import re
from typing import Final

_log: Final = logging.getLogger("minimalkv")

# A token of Azure ends with one, the address of an upload to Google has the other:
# whoever knows it may write there.
_SECRETS: Final = re.compile(r"\b(sig|upload_id)=[^&\s\"']*")
# They write the URL of every request into the log, if they may.
_LOGGERS: Final = ("urllib3.connectionpool", "urllib3.util.retry")


class _Filter(logging.Filter):
    """Leaves what opens a URL out of records."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = _SECRETS.sub(r"\1=***", text)
        if hidden != text:
            record.msg, record.args = hidden, None
        return True


_filter: Final = _Filter()


def hide_secrets() -> None:
    """Keep the secrets in URLs out of the log, now and later."""
    for name in _LOGGERS:
        # It is there once, however often it is added.
        logging.getLogger(name).addFilter(_filter)


def tell_created(place: str) -> None:
    """Tell that there is a new bucket or container."""
    _log.info("A bucket was missing, and was created: %s", place)


def tell_left(error: Exception) -> None:
    """Tell that an upload has left parts, which cost money until they are deleted."""
    _log.warning("Parts of a broken upload stay in the bucket: %s", error)
