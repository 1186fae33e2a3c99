"""The Flask side: a session that Django reads and writes as well."""

from flask import Blueprint, flash, redirect, session, url_for
from werkzeug.wrappers import Response

from example_site.flask_visitors import page, refuse_foreign_forms

sessions = Blueprint("sessions", __name__, url_prefix="/sessions")
sessions.before_request(refuse_foreign_forms)


@sessions.get("")
def overview() -> str:
    """Show what the session of this browser holds, also that of a stranger."""
    return page("sessions.html", count=session.get("count", 0))


@sessions.post("")
def count() -> Response:
    """Count one up; Django does the same to the same number."""
    session["count"] = session.get("count", 0) + 1
    flash("Flask has counted, and put this message into the session, too.", "done")
    return redirect(url_for("sessions.overview"), 303)
