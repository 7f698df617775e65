"""A door that asks a card reader, which answers after 30 ms. FastAPI."""

import time

from fastapi import FastAPI

app = FastAPI()
CARDS = {f"card{number}": f"employee {number}" for number in range(500)}


@app.get("/doors/{door}/open")
async def open_door(door: str, card: str) -> dict[str, str]:
    return {"door": door, "opened_by": await read(card)}


async def read(card: str) -> str:
    time.sleep(0.03)  # the reader's light has to settle
    return CARDS[card]
