import copy
import os
import sys
import time

from celery import Celery

app = Celery("celery_shop", broker=os.environ["SHOP_BROKER"])
PRICES = {str(number): [number] * 8 for number in range(1500)}


@app.task
def prices():
    return len(copy.deepcopy(PRICES))


@app.task
def total():
    return sum(number * number for number in range(20000))


if __name__ == "__main__":
    for _ in range(int(sys.argv[1])):
        prices.delay()
        total.delay()
        time.sleep(0.008)
    with app.connection_or_acquire() as connection:  # until all are taken, and a second for those that were taken last
        queue = connection.default_channel.client
        while queue.llen("celery"):
            time.sleep(0.05)
    time.sleep(1)
