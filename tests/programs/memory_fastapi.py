"""The routes of memory_server.py, which lies beside this as shop.py, under FastAPI."""

from fastapi import FastAPI

import shop

app = FastAPI()
for route in (shop.leak, shop.price, shop.export, shop.steady, shop.noisy, shop.warm):
    app.get(f"/{route.__name__}")(route)
