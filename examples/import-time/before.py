"""A command that counts words in a text, and can also serve the counts over HTTP."""

import sys
from collections import Counter

import fastapi
import uvicorn


def main(words):
    if words == ["serve"]:
        serve()
    else:
        print(count(2_000_000).most_common(3))


def count(length):
    counts = Counter()
    state = 1
    for _ in range(length):
        state = state * 48271 % 2147483647
        counts[state % 1_000] += 1
    return counts


def serve():
    app = fastapi.FastAPI()
    app.get("/counts")(lambda: count(1_000))
    uvicorn.run(app)


main(sys.argv[1:])
