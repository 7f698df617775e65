"""Receipts, each made from an order. Flask and SQLAlchemy, with a pool of two connections to SQLite."""

import time
from pathlib import Path
from tempfile import mkdtemp

from flask import Flask
from sqlalchemy import QueuePool, create_engine, text

app = Flask(__name__)
file = Path(mkdtemp()) / "orders.db"
engine = create_engine(f"sqlite:///{file}", poolclass=QueuePool, pool_size=2, max_overflow=0)
with engine.begin() as connection:
    connection.execute(text("CREATE TABLE orders (id INTEGER PRIMARY KEY, total INTEGER)"))
    connection.execute(text("INSERT INTO orders VALUES (1, 1990), (2, 4900)"))


@app.get("/receipts/<int:key>")
def receipt(key):
    with engine.connect() as connection:
        total = connection.execute(text("SELECT total FROM orders WHERE id = :key"), {"key": key}).scalar_one()
    number = register(total)
    return f"{number}: {total / 100:.2f} EUR"


def register(total):
    """The number under which the tax office knows the receipt. It answers after 20 ms."""
    time.sleep(0.02)
    return f"R-{total}"
