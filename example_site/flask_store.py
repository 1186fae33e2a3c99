"""The Flask side: what is in the store, and what is asked of it."""

from typing import Final

from flask import Blueprint, current_app, request

from example_site.calls import latest
from example_site.contents import LAST_PAGE, PAGE_KEYS, askable, page_of, shown
from example_site.flask_visitors import only_for_visitors, page

contents = Blueprint("contents", __name__, url_prefix="/store")
only_for_visitors(contents)

_LONGEST_PREFIX: Final = 250


@contents.get("")
def overview() -> str:
    """Show a page of the keys, and what the last requests asked for."""
    prefix = askable(request.args.get("prefix", "").strip()[:_LONGEST_PREFIX])
    number = min(max(request.args.get("page", 1, int), 1), LAST_PAGE)
    entries, has_more = page_of(current_app.extensions["store"], prefix, number)
    return page(
        "store.html",
        entries=entries,
        has_more=has_more,
        is_cut=number == LAST_PAGE and len(entries) == PAGE_KEYS,
        number=number,
        prefix=prefix,
        requests=[*latest],
        shown=shown,
    )
