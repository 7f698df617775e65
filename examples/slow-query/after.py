"""The orders of a customer, found by address. Flask and SQLite."""

import sqlite3

from flask import Flask, jsonify

app = Flask(__name__)
db = sqlite3.connect(":memory:")
db.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, email TEXT, total INTEGER)")
db.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, f"{n % 5000}@example.org", n) for n in range(50_000)])
db.execute("CREATE INDEX orders_email ON orders (email)")
db.commit()


@app.get("/orders/<email>")
def orders(email):
    found = db.execute("SELECT id, total FROM orders WHERE email = ? ORDER BY id", (email,)).fetchall()
    return jsonify(found)
