"""A Flask site with every kind of route and answer that the probe must name and time. Flask 2.0 to 3."""

import io
import time

from flask import Blueprint, Flask, Response, redirect, send_file
from flask.views import MethodView

app = Flask(__name__)
api = Blueprint("api", __name__, url_prefix="/api")


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@app.route("/nudge")
def nudge():
    return ""


@app.route("/items/<int:number>", methods=["GET", "POST"])
def item(number):
    return f"item {number}"


@api.route("/things/<name>")
def thing(name):
    return name * 10


class View(MethodView):
    def get(self):
        return "got"

    def delete(self):
        return "gone", 202


api.add_url_rule("/view", view_func=View.as_view("view"))
app.register_blueprint(api)


@app.route("/boom")
def boom():
    raise ValueError("boom")


@app.route("/away")
def away():
    return redirect("/nudge")


@app.route("/stream")
def stream():
    def parts():
        for number in range(5):
            yield f"part {number}\n"

    return Response(parts())


@app.route("/endless")
def endless():
    def parts():
        while True:
            yield "x" * 65536

    return Response(parts())


@app.route("/file")
def file():
    return send_file(io.BytesIO(b"f" * 5000), mimetype="text/plain")


@app.route("/spin")
def spinning():
    spin(20)
    return "spun"


@app.route("/spinning-stream")
def spinning_stream():
    def parts():
        yield "a"
        spin(20)
        yield "b"

    return Response(parts())


class Middleware:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start_response):
        return self.inner(environ, start_response)


app.wsgi_app = Middleware(app.wsgi_app)
try:
    import asgiref  # noqa: F401
except ImportError:
    pass
else:

    @app.route("/async/<name>")
    async def waits(name):
        return name
