"""Fills an empty database with customers, products and orders; the same ones each time."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from .database import Database

CUSTOMERS, PRODUCTS, ORDERS = 6_500, 900, 6_500
_SCHEMA = """
CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, email TEXT, country TEXT);
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, description TEXT, price INTEGER);
CREATE TABLE purchase (
    id INTEGER PRIMARY KEY, customer_id INTEGER, product_id INTEGER, quantity INTEGER, amount INTEGER, placed TEXT
);
"""
_FIRST = ("Ada", "Ben", "Cora", "Dev", "Elif", "Finn", "Gaia", "Hugo", "Iris", "Jan", "Kim", "Lena")
_LAST = ("Abel", "Brandt", "Costa", "Diaz", "Eriksen", "Fischer", "Garcia", "Haas", "Ivanova", "Jensen")
_COUNTRIES = ("DE", "FR", "ES", "IT", "NL", "PL", "SE", "AT")
_MATERIALS = ("Oak", "Steel", "Linen", "Wool", "Cork", "Glass", "Clay", "Brass", "Paper", "Stone", "Felt", "Birch")
_THINGS = ("Chair", "Lamp", "Bowl", "Shelf", "Clock", "Vase", "Stool", "Tray", "Bench", "Mug")


def fill(database: Database) -> None:
    random = Random(7)
    database.create(_SCHEMA)
    database.insert("INSERT INTO customer VALUES (?, ?, ?, ?)", _customers(random))
    database.insert("INSERT INTO product VALUES (?, ?, ?, ?)", _products(random))
    database.insert("INSERT INTO purchase VALUES (?, ?, ?, ?, ?, ?)", _purchases(random))


def _customers(random: Random) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for number in range(1, CUSTOMERS + 1):
        first, last = random.choice(_FIRST), random.choice(_LAST)
        email = f"{first}.{last}.{number}@example.com".lower()
        rows.append((number, f"{first} {last}", email, random.choice(_COUNTRIES)))
    return rows


def _products(random: Random) -> list[tuple[object, ...]]:
    names = [f"{material} {thing} {size}" for material in _MATERIALS for thing in _THINGS for size in "ABCDEFGH"]
    return [
        (number, name, f"Goes well with {', '.join(random.sample(names, 4))}.", random.randrange(900, 40_000))
        for number, name in enumerate(names[:PRODUCTS], 1)
    ]


def _purchases(random: Random) -> list[tuple[object, ...]]:
    opened = date(2026, 1, 1)
    return [
        (
            number,
            random.randint(1, CUSTOMERS),
            random.randint(1, PRODUCTS),
            quantity := random.randint(1, 5),
            quantity * random.randrange(900, 40_000),
            (opened + timedelta(days=number // 20)).isoformat(),
        )
        for number in range(1, ORDERS + 1)
    ]
