"""A catalogue that sends all of its products at once. FastAPI."""

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
def products() -> list[Product]:
    return [Product.model_validate(product) for product in PRODUCTS]
