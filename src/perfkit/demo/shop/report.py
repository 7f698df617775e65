"""The sales report: turnover by country, and the customers in the order in which they came."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .database import Database, Row

_SALES = """
SELECT email, country, amount FROM purchase JOIN customer ON customer.id = customer_id ORDER BY purchase.id
"""


def report(database: Database, settings: dict[str, Any]) -> tuple[str, bytes]:
    sales = database.query(_SALES)
    customers = in_order_of_arrival(sales)
    lines = [f"{country}: {cents / 100:.2f} {settings['currency']}" for country, cents in turnover(sales).items()]
    lines.append(f"{len(customers)} customers, the first {customers[0]}, the newest {customers[-1]}")
    return "text/plain; charset=utf-8", "\n".join(lines).encode()


def in_order_of_arrival(sales: list[Row]) -> list[str]:
    """Each customer once, at the first purchase."""
    customers: list[str] = []
    for sale in sales:
        if sale["email"] not in customers:
            customers.append(sale["email"])
    return customers


def turnover(sales: list[Row]) -> dict[str, int]:
    cents: defaultdict[str, int] = defaultdict(int)
    for sale in sales:
        cents[sale["country"]] += sale["amount"]
    return dict(sorted(cents.items()))
