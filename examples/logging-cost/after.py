"""A warehouse service that works out what to order again. Flask."""

import logging
import os
from random import Random

from flask import Flask, jsonify

logging.basicConfig(filename=os.devnull, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
log = logging.getLogger("warehouse")
app = Flask(__name__)
random = Random(9)
STOCK = [
    {"sku": f"A{number:04}", "left": random.randrange(400), "sold": [random.randrange(12) for _ in range(60)]}
    for number in range(400)
]


@app.get("/orders")
def orders():
    wanted = to_order(STOCK)
    return jsonify(count=len(wanted), pieces=sum(wanted.values()))


def to_order(stock):
    wanted = {}
    for item in stock:
        least = demand(item["sold"])
        if item["left"] < least:
            wanted[item["sku"]] = least - item["left"]
    log.info("checked %d items, %d to order", len(stock), len(wanted))
    return wanted


def demand(sold):
    """What will be sold in 30 days, the last days counting most."""
    level = sold[0]
    for pieces in sold[1:]:
        level = 0.8 * level + 0.2 * pieces
    return round(30 * level)
