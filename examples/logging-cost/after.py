"""A warehouse service that works out what to order again. Flask."""

import logging
import os

from flask import Flask, jsonify

logging.basicConfig(filename=os.devnull, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
log = logging.getLogger("warehouse")
app = Flask(__name__)
STOCK = [{"sku": f"A{number:04}", "left": number * 7 % 40, "least": 12} for number in range(300)]


@app.get("/orders")
def orders():
    return jsonify(to_order(STOCK))


def to_order(stock):
    wanted = {}
    for item in stock:
        missing = item["least"] - item["left"]
        if missing > 0:
            wanted[item["sku"]] = missing
    log.info("checked %d items, %d to order", len(stock), len(wanted))
    return wanted
