"""What serving values over HTTP needs, in any framework.

`answer` turns a request for a value into a status, headers and a file; an adapter only
sends them. It knows ranges and conditions as RFC 9110 has them, and shows in a browser
only what cannot act there.
"""

from minimalkv._constants import RESERVED_PREFIX
from minimalkv._http.answering import Answer, answer
from minimalkv._http.disposition import content_disposition
from minimalkv._http.keys import check_public_key
from minimalkv._http.types import is_safe_inline

__all__ = [
    "RESERVED_PREFIX",
    "Answer",
    "answer",
    "check_public_key",
    "content_disposition",
    "is_safe_inline",
]
