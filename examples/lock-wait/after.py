"""Download links that are signed with a key derived from a password. Flask, with threads."""

import hashlib
import threading

from flask import Flask, jsonify

app = Flask(__name__)
issued = {}
issued_lock = threading.Lock()


@app.get("/link/<name>")
def link(name):
    signature = sign(name)
    with issued_lock:
        issued[name] = issued.get(name, 0) + 1
    return jsonify(url=f"/download/{name}?signature={signature}", issued=issued[name])


def sign(name):
    return hashlib.pbkdf2_hmac("sha256", name.encode(), b"example", 30_000).hex()
