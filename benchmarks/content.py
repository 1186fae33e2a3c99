"""What the measured sessions hold."""

from typing import Any, Final

SESSION: Final[dict[str, Any]] = {
    "_fresh": True,
    "_id": "5f0c" * 32,
    "_user_id": "4711",
    "csrf_token": "ImQ1" * 20,
    "locale": "de-DE",
    "next": "/account/orders/2026/?page=3&sort=newest",
    "cart": [
        {"sku": f"article-{number:05}", "count": number, "price": 19.5 * number}
        for number in range(1, 10)
    ],
    "seen": [number * 1117 for number in range(1, 21)],
    "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "note": "Ring twice, or ask my neighbour.",
    "visits": 0,
}
"""1 KiB as JSON."""
