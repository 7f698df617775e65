"""Prices with a recommendation beside them, which a background thread keeps fresh. Flask, with threads."""

import threading
from random import Random

from flask import Flask, jsonify

app = Flask(__name__)
random = Random(5)
BASKETS = [random.sample(range(300), 8) for _ in range(8_000)]
best = {}


@app.get("/price/<int:product>")
def price(product):
    history = [(product * 31 + day * 17) % 97 + 3 for day in range(300_000)]
    return jsonify(price=sum(history) / len(history), lowest=min(history), recommended=best.get(product))


def often_together(baskets):
    """For each product the one that is most often bought with it."""
    pairs = {}
    for basket in baskets:
        for one in basket:
            others = pairs.setdefault(one, {})
            for other in basket:
                if one != other:
                    others[other] = others.get(other, 0) + 1
    return {one: max(others, key=others.get) for one, others in pairs.items()}


def keep_fresh():
    while True:
        best.update(often_together(BASKETS))


threading.Thread(target=keep_fresh, name="recommendations", daemon=True).start()
