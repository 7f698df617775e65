import copy

from flask import Flask

app = Flask(__name__)
PRICES = {str(number): [number] * 8 for number in range(1500)}


@app.get("/prices")
def prices():
    copied = copy.deepcopy(PRICES)
    return {"count": len(copied)}


@app.get("/total")
def total():
    amount = 0
    for number in range(60000):
        amount += number * number
    return str(amount)


if __name__ == "__main__":
    import sys

    app.run(port=int(sys.argv[1]), threaded=True)
