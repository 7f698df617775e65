"""Events that are taken in as a list. Flask and SQLite, in a file."""

import sqlite3
import tempfile
from pathlib import Path

from flask import Flask, jsonify

app = Flask(__name__)
folder = tempfile.TemporaryDirectory()
db = sqlite3.connect(Path(folder.name) / "events.db")
db.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, name TEXT, at INTEGER)")


@app.get("/events/<int:count>")
def take_in(count):
    events = [(f"event {n}", n) for n in range(count)]
    db.executemany("INSERT INTO event (name, at) VALUES (?, ?)", events)
    db.commit()
    return jsonify(taken=len(events))
