"""Prices with a recommendation beside them, which a process of its own keeps fresh. Flask, with threads."""

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from random import Random

from flask import Flask, jsonify

app = Flask(__name__)
random = Random(5)
BASKETS = [random.sample(range(300), 8) for _ in range(4_000)]
best = {}


@app.get("/price/<int:product>")
def price(product):
    history = [(product * 31 + day * 17) % 97 + 3 for day in range(4_000)]
    return jsonify(price=sum(history) / len(history), lowest=min(history), recommended=best.get(product))


def count_pairs(baskets):
    pairs = {}
    for basket in baskets:
        for one in basket:
            for other in basket:
                if one != other:
                    pairs[one, other] = pairs.get((one, other), 0) + 1
    return pairs


def recommendations():
    return {one: other for (one, other), count in sorted(count_pairs(BASKETS).items(), key=lambda pair: pair[1])}


def keep_fresh():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        while True:
            best.update(pool.submit(recommendations).result())
            time.sleep(30)


if parent_process() is None:
    threading.Thread(target=keep_fresh, name="recommendations", daemon=True).start()
