"""A cart in another currency. Flask and SQLite."""

import sqlite3
import tempfile
from pathlib import Path

from flask import Flask, jsonify

app = Flask(__name__)
folder = tempfile.TemporaryDirectory()
db = sqlite3.connect(Path(folder.name) / "shop.db")
db.execute("CREATE TABLE rate (currency TEXT PRIMARY KEY, value REAL)")
db.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, amount REAL)")
db.executemany("INSERT INTO rate VALUES (?, ?)", [("EUR", 1.0), ("USD", 1.1), ("DKK", 7.5)])
db.executemany("INSERT INTO item VALUES (?, ?)", [(n, n) for n in range(100)])
db.commit()


@app.get("/cart/<currency>")
def cart(currency):
    items = db.execute("SELECT id, amount FROM item ORDER BY id").fetchall()
    factor = rate(currency)
    return jsonify([(number, amount * factor) for number, amount in items])


def rate(currency):
    (value,) = db.execute("SELECT value FROM rate WHERE currency = ?", (currency,)).fetchone()
    return value
