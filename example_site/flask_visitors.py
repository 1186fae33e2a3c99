"""Who is signed in at the Flask side, and which forms are theirs."""

import secrets
from hmac import compare_digest
from typing import Any, Final, cast

from flask import (
    Blueprint,
    abort,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from example_site.both import NAME_WANTED, as_name
from minimalkv_flask import KVSession

visitors = Blueprint("visitors", __name__)

_FIELD: Final = "csrf_token"
_HEADER: Final = "X-CSRF-Token"
_PLAIN_FORM: Final = "application/x-www-form-urlencoded"


# Who may do what.


def csrf_token() -> str:
    """Return what every form of this visitor has to send back."""
    return cast("str", session.setdefault(_FIELD, secrets.token_urlsafe(16)))


def csrf_input() -> Markup:
    """Return the field for it."""
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(_FIELD, csrf_token())


def only_for_visitors(blueprint: Blueprint) -> None:
    """Let nobody else see the pages of a blueprint, and no other site use its forms."""
    blueprint.before_request(ask_to_sign_in)
    blueprint.before_request(refuse_foreign_forms)


def ask_to_sign_in() -> AnyResponse | None:
    """Send strangers to the sign-in page, whatever they came for."""
    if "name" in session:
        return None
    return redirect(url_for("visitors.sign_in"), 303)


def refuse_foreign_forms() -> None:
    """Refuse a form that another site made the browser send."""
    if request.method != "POST":
        return
    expected = session.get(_FIELD, "")
    # Looked at first: without a token of ours nothing is read from the visitor.
    sent = _sent_token() if expected else ""
    if not expected or not compare_digest(expected.encode(), sent.encode()):
        abort(400, "This form is out of date. Go back to the photos and try again.")


def _sent_token() -> str:
    # A form with files is read only while they go to the store, and before that
    # nothing may look for a field in it: such a form has the token in its URL.
    if request.mimetype != _PLAIN_FORM:
        return request.args.get(_FIELD, "")
    return request.headers.get(_HEADER) or request.form.get(_FIELD, "")


visitors.before_request(refuse_foreign_forms)


# Pages.


def page(template: str, **what: Any) -> str:
    """Return a page with what its head and its forms need."""
    return render_template(
        template,
        visitor=session.get("name"),
        csrf_input=csrf_input(),
        csrf_token=csrf_token(),
        **what,
    )


@visitors.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> AnyResponse | str | tuple[str, int]:
    """Ask for a name, and take it."""
    if request.method == "POST":
        sent = request.form.get("name", "")
        name = as_name(sent)
        if name is not None:
            welcome(name)
            return redirect(url_for("album.gallery"), 303)
        return sign_in_page(problem=NAME_WANTED, name=sent), 422
    if "name" in session:
        return redirect(url_for("album.gallery"), 303)
    return sign_in_page()


def sign_in_page(**what: str) -> str:
    """Return the form that asks for a name."""
    return page("sign_in.html", **what)


def welcome(name: str) -> None:
    """Begin the session of somebody who signed in, under a new id."""
    kv_session = cast("KVSession", session)
    kv_session.clear()
    kv_session.regenerate()
    kv_session.bind(name)
    kv_session["name"] = name
    kv_session.permanent = True


@visitors.post("/sign-out")
def sign_out() -> AnyResponse:
    """End the session, in the store and in the browser."""
    session.clear()
    return redirect(url_for("visitors.sign_in"), 303)
