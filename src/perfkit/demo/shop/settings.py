"""What the shop is configured with: currency, tax and carriers of every country it ships to."""

from __future__ import annotations

import copy
from typing import Any

_CODES = [a + b for a in "ABCDEFGHIJKLMNOPQRST" for b in "AEIKLNORSTUZ"]
DEFAULTS: dict[str, Any] = {
    "currency": "EUR",
    "page_size": 20,
    "countries": {
        code: {
            "tax": {"standard": 19 + index % 7, "reduced": 5 + index % 5},
            "carriers": [
                {"name": "post", "days": 2 + index % 9, "tracked": False},
                {"name": "parcel", "days": 2 + index % 5, "tracked": True},
                {"name": "courier", "days": 1 + index % 3, "tracked": True},
            ],
        }
        for index, code in enumerate(_CODES)
    },
}


def for_request(query: dict[str, str]) -> dict[str, Any]:
    """The settings of one request, which its query string may change."""
    settings = copy.deepcopy(DEFAULTS)
    settings["currency"] = query.get("currency", settings["currency"])
    settings["page_size"] = int(query.get("page_size", settings["page_size"]))
    return settings
