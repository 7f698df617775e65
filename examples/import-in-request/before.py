"""Measurements as JSON, by a fast encoder where one is installed. Flask."""

from flask import Flask, Response

app = Flask(__name__)
ROWS = [{"id": number, "celsius": number % 40 - 5} for number in range(20)]


@app.get("/measurements")
def measurements():
    return Response(encoded(ROWS), mimetype="application/json")


def encoded(rows):
    try:
        import hyperjson as json
    except ImportError:
        import json
    return json.dumps(rows)
