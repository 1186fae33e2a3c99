"""The error of a session whose store failed."""

from werkzeug.exceptions import ServiceUnavailable

from minimalkv import _errors


class SessionUnavailable(_errors.SessionUnavailable, ServiceUnavailable):
    """The store of the sessions failed: nobody is signed out by that.

    It is a `StoreError` with its message for the log, and in Flask an HTTP 503 whose
    page tells nothing of the store. Register an error handler for either.
    """

    def __init__(self, message: str) -> None:
        ServiceUnavailable.__init__(self)  # OSError, which is first, would not call it
        self.args = (message,)
