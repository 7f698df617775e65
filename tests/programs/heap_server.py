"""A WSGI application of whose heap the truth is known: routes that leave room behind which nothing uses, make cycles of large
objects, take pages and give them back, or lose memory outside of Python. With TABLE in the environment it loads one, with PEAKS it
has had two when it starts to serve."""

from __future__ import annotations

import copy
import ctypes
import os

from flask import Flask

app = Flask(__name__)
KEPT: dict[str, object] = {}


class Buffer:
    def __init__(self, size: int) -> None:
        self.me = self
        self.payload = bytearray(size)


def table() -> dict[int, dict[str, object]]:
    return {number: {"name": f"city {number}", "zip": [number]} for number in range(80_000)}


if "TABLE" in os.environ:
    CITIES = table()


@app.get("/lost")
def lost() -> str:
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    ctypes.memset(library.malloc(ctypes.c_size_t(20_000)), 1, 20_000)
    return "lost"


@app.get("/buffers")
def buffers() -> str:
    payload = Buffer(1_000_000).payload
    payload[::4096] = bytes(len(range(0, 1_000_000, 4096)))
    return "made"


@app.get("/pages")
def pages() -> str:
    return str(len([bytes(2000) for _ in range(4000)]))


@app.get("/rows")
def rows() -> str:
    if "rows" not in KEPT:
        read = [{"number": number} for number in range(500_000)]
        KEPT["rows"] = read[::100]
    return "kept"


@app.get("/rows-made-anew")
def rows_made_anew() -> str:
    if "anew" not in KEPT:
        read = [{"number": number} for number in range(500_000)]
        KEPT["anew"] = copy.deepcopy(read[::100])
    return "kept"


@app.get("/export")
def export() -> str:
    if "export" not in KEPT:
        pieces = [bytes(1000 + number % 2000) for number in range(70_000)]
        KEPT["export"] = pieces[-2:]
    return "sent"


@app.get("/steady")
def steady() -> str:
    return str(sum(range(2000)))


if "PEAKS" in os.environ:
    rows()
    export()
