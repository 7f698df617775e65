"""All orders of a year as JSON, for the accounting department."""

from __future__ import annotations

import json
from typing import Any

from .database import Database, Row

_ORDERS = """
SELECT purchase.id, placed, quantity, amount, product.name AS product, customer.name AS customer, email, country
FROM purchase JOIN customer ON customer.id = customer_id JOIN product ON product.id = product_id
WHERE placed >= ? ORDER BY purchase.id LIMIT 4600
"""


def export(database: Database, settings: dict[str, Any]) -> tuple[str, bytes]:
    orders = [_document(order) for order in database.query(_ORDERS, "2026-01-01")]
    document = {"currency": settings["currency"], "count": len(orders), "orders": orders}
    return "application/json", json.dumps(document, indent=2).encode()


def _document(order: Row) -> dict[str, Any]:
    return {
        "id": order["id"],
        "placed": order["placed"],
        "customer": {"name": order["customer"], "email": order["email"], "country": order["country"]},
        "lines": [{"product": order["product"], "quantity": order["quantity"], "amount": order["amount"]}],
    }
