"""A WSGI application of whose memory the truth is known: routes that leak, fill a cache, leap, and healthy ones."""

from __future__ import annotations

import functools
import itertools
import random

from flask import Flask

app = Flask(__name__)
NUMBERS = itertools.count()
SEEN: dict[int, bytes] = {}
FULL: dict[int, str] = {}
RECENT: list[str] = []


@functools.lru_cache(maxsize=None)
def price_of(number: int) -> str:
    return "price " * 50 + str(number)


@functools.lru_cache(maxsize=None)
def country_of(number: int) -> str:
    return f"country {number}"


@app.get("/leak")
def leak() -> str:
    SEEN[next(NUMBERS)] = bytes(10_000)
    return "seen"


@app.get("/price")
def price() -> str:
    return price_of(next(NUMBERS))[:5]


@app.get("/export")
def export() -> str:
    rows = [random.randbytes(1000) for _ in range(60_000)]
    return str(len(rows))


@app.get("/steady")
def steady() -> str:
    return str(sum(range(2000)))


@app.get("/noisy")
def noisy() -> str:
    return str(len(bytes(random.randrange(1, 6_000_000))))


@app.get("/warm")
def warm() -> str:
    number = random.randrange(120)
    if number not in FULL:
        FULL[number] = "value" * 400
    RECENT.append(FULL[number][:50])
    if len(RECENT) > 200:
        del RECENT[:100]
    return country_of(number % 90)
