"""The Flask side: the front page, which says what is here, and in which store."""

from flask import Blueprint, current_app, render_template, session

from example_site.flask_album import store_origin
from example_site.flask_visitors import csrf_input
from minimalkv import KeyValueStore

front = Blueprint("front", __name__)


@front.get("/")
def welcome() -> str:
    """Say what is here; a stranger costs the store no call, and gets no cookie."""
    visitor = session.get("name")
    return render_template(
        "front.html",
        visitor=visitor,
        csrf_input=csrf_input() if visitor else "",
        abilities=abilities(current_app.extensions["store"]),
    )


def abilities(store: KeyValueStore) -> dict[str, str]:
    """Return what a store can do by itself, and what is done where it cannot."""
    expires, copies = store.ttl_support, store.copy_support
    return {
        "Two who write at once": "the second one is told",
        "What has expired": "goes by itself" if expires else "is not seen any more",
        "Links that end": "of the store" if store_origin() else "of this site",
        "A copy": "is made in the store" if copies else "is read and written",
    }
