"""A product's page. Names of other products in its description become links."""

from __future__ import annotations

import re
from html import escape
from string import Template
from typing import Any

from .database import Database, Row

_PAGE = Template("<h1>$name</h1><p>$price $currency</p><p>$description</p>")


def page(number: str, database: Database, settings: dict[str, Any]) -> tuple[str, bytes]:
    product = database.one("SELECT * FROM product WHERE id = ?", int(number))
    others = database.query("SELECT id, name FROM product WHERE id != ?", product["id"])
    text = _PAGE.substitute(
        name=escape(product["name"]),
        price=f"{product['price'] / 100:.2f}",
        currency=settings["currency"],
        description=linked(escape(product["description"]), others),
    )
    return "text/html; charset=utf-8", text.encode()


def linked(text: str, products: list[Row]) -> str:
    for product in products:
        name = re.compile(rf"\b{re.escape(product['name'])}\b")
        text = name.sub(f'<a href="/page/{product["id"]}">{product["name"]}</a>', text)
    return text
