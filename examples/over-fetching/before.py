"""How many orders wait to be sent. Flask and SQLite."""

import sqlite3

from flask import Flask, jsonify

app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)
database.row_factory = sqlite3.Row
database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, country TEXT, sent INTEGER)")
rows = [(f"customer{number % 900}", ["DE", "FR", "PL"][number % 3], number % 4) for number in range(8000)]
database.executemany("INSERT INTO orders (customer, country, sent) VALUES (?, ?, ?)", rows)


@app.get("/waiting/<country>")
def waiting(country):
    orders = database.execute("SELECT * FROM orders WHERE country = ?", (country,)).fetchall()
    return jsonify(waiting=len([order for order in orders if not order["sent"]]))
