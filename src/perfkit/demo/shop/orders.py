"""The newest orders, with customer and product by name."""

from __future__ import annotations

from html import escape
from typing import Any

from .database import Database


def orders(database: Database, settings: dict[str, Any]) -> tuple[str, bytes]:
    newest = database.query("SELECT * FROM purchase ORDER BY placed DESC, id DESC LIMIT ?", settings["page_size"])
    lines = []
    for order in newest:
        customer = database.one("SELECT name FROM customer WHERE id = ?", order["customer_id"])
        product = database.one("SELECT name FROM product WHERE id = ?", order["product_id"])
        total = order["amount"] / 100
        lines.append(f"<li>{escape(customer['name'])}: {escape(product['name'])}, {total:.2f} {settings['currency']}")
    return "text/html; charset=utf-8", f"<ul>{''.join(lines)}</ul>".encode()
