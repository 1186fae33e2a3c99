"""The Flask side: files that only their sender sees, and whoever gets a link."""

from hashlib import sha256
from itertools import chain
from typing import Final, NamedTuple

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    redirect,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as AnyResponse

from example_site.facts import Fact, Facts
from example_site.flask_problems import refusals
from example_site.flask_visitors import only_for_visitors, page
from minimalkv_flask.uploads import ALL, UploadSet

LINK_SECS: Final = 600
SHOWN: Final = 30

files = UploadSet("private", ALL, prefix="private/", max_bytes=20 * 2**20)
"""Anything is taken: it is never shown as a part of a page."""

private = Blueprint("private", __name__, url_prefix="/private")
only_for_visitors(private)


class Kept(NamedTuple):
    """A private file.

    Attributes
    ----------
    fact : Fact
        What is known about it.
    name : str
        What its sender calls it.
    link : str
        A link to it that ends.
    """

    fact: Fact
    name: str
    link: str


@private.get("")
def overview() -> str:
    """List the files of the visitor, each with a link."""
    kept = [_with_link(fact) for fact in own().newest(SHOWN)]
    return page("private.html", kept=kept, minutes=LINK_SECS // 60)


def _with_link(fact: Fact) -> Kept:
    name = str(fact.told["name"])
    link = files.signed_url(
        str(fact.told["file"]),
        expires=LINK_SECS,
        download_name=name,
        external=True,
    )
    return Kept(fact, name, link)


@private.post("")
def add() -> AnyResponse:
    """Keep the files of a form."""
    count = 0
    with refusals("20 MiB"):
        for stored in chain.from_iterable(files.stream(request).listvalues()):
            own().add(file=str(stored), name=stored.filename or "file")
            count += 1
    if count:
        flash("Your file is kept. Give its link to whom you like.", "done")
    elif "_flashes" not in session:
        flash("Choose a file first.", "problem")
    return redirect(url_for("private.overview"), 303)


@private.post("/delete")
def delete() -> AnyResponse:
    """Delete a file of the visitor; its links end with it."""
    wanted = request.form.get("key", "")
    found = (fact for fact in own().newest(SHOWN) if fact.key == wanted)
    fact = next(found, None)
    if fact is None:
        abort(404, "This file is not here.")
    store = files.config.store
    store.delete_many([files.key(str(fact.told["file"])), fact.key])
    flash("The file is gone, and its links are of no use any more.", "done")
    return redirect(url_for("private.overview"), 303)


def own() -> Facts:
    """Return what is known about the files of the visitor."""
    owner = sha256(session["name"].encode()).hexdigest()[:16]
    return Facts(current_app.extensions["store"], f"private-{owner}-")
