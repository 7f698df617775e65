"""A catalogue that sends its products page by page. FastAPI."""

from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Price(BaseModel):
    amount: float
    currency: str


class Product(BaseModel):
    id: int
    name: str
    tags: list[str]
    prices: list[Price]


PRODUCTS = [
    {
        "id": number,
        "name": f"product {number}",
        "tags": ["new", "sale"][: number % 3],
        "prices": [{"amount": number * 1.1, "currency": currency} for currency in ("EUR", "USD", "GBP")],
    }
    for number in range(1_500)
]


@app.get("/products")
def products(page: int = 0) -> list[Product]:
    return PRODUCTS[page * 20 : page * 20 + 20]
