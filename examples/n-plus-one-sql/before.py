"""The newest orders of a shop with their customers. Flask and SQLite."""

import sqlite3
import tempfile
from pathlib import Path

from flask import Flask, jsonify

app = Flask(__name__)
folder = tempfile.TemporaryDirectory()
db = sqlite3.connect(Path(folder.name) / "shop.db")
db.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT)")
db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total INTEGER)")
db.executemany("INSERT INTO customer VALUES (?, ?)", [(n, f"Customer {n}") for n in range(500)])
db.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, n * 7 % 500, n) for n in range(2000)])
db.commit()


@app.get("/orders/<int:first>")
def orders(first):
    rows = db.execute("SELECT id, customer_id, total FROM orders WHERE id >= ? ORDER BY id LIMIT 100", (first,)).fetchall()
    shown = []
    for number, customer, total in rows:
        (name,) = db.execute("SELECT name FROM customer WHERE id = ?", (customer,)).fetchone()
        shown.append((number, name, total))
    return jsonify(shown)
