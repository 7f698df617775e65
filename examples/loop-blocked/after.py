"""Offers for a loan, with a plan of payments. FastAPI."""

from functools import lru_cache

from fastapi import FastAPI

app = FastAPI()


@app.get("/loans/{amount}")
async def loan(amount: int) -> dict[str, float]:
    offers = {rate: rate_per_month(amount, rate / 10_000) for rate in range(250, 400, 10)}
    return {f"{rate / 100} %": payment for rate, payment in offers.items()}


@lru_cache(maxsize=10_000)
def rate_per_month(amount, interest):
    """The payment after which nothing is left at the end of 30 years, found by halving."""
    low, high = 0.0, float(amount)
    for _ in range(60):
        payment = (low + high) / 2
        left = amount
        for _month in range(360):
            left = left * (1 + interest / 12) - payment
        if left > 0:
            low = payment
        else:
            high = payment
    return round(payment, 2)
