import copy

from fastapi import FastAPI

app = FastAPI()
PRICES = {str(number): [number] * 8 for number in range(1500)}


@app.get("/prices")
async def prices():
    copied = copy.deepcopy(PRICES)
    return {"count": len(copied)}


@app.get("/total")
def total():
    amount = 0
    for number in range(60000):
        amount += number * number
    return {"amount": amount}
