"""A newsletter service: who is on any list, once, in the order of signing up. Flask."""

from random import Random

from flask import Flask, jsonify

app = Flask(__name__)
_random = Random(3)
LISTS = [[f"reader{_random.randrange(4_000)}@example.com" for _ in range(1_500)] for _ in range(3)]


@app.get("/recipients")
def recipients():
    found = merged(LISTS)
    return jsonify(count=len(found), first=found[:10])


def merged(lists):
    return list(dict.fromkeys(address for addresses in lists for address in addresses))
