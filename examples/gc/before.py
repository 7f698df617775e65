"""A dictionary of translations, all of it in memory. Flask."""

import gc

from flask import Flask, jsonify

app = Flask(__name__)
ENTRIES = {f"word{number}": {"de": [f"Wort{number}"], "fr": [f"mot{number}"]} for number in range(60_000)}


@app.get("/words/<word>")
def translation(word):
    entry = ENTRIES[word]
    answer = jsonify(word=word, **entry)
    gc.collect()  # keeps the memory low
    return answer
