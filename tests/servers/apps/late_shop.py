"""One shop for Flask, FastAPI and Django over SQLite, each with connections that are open before anybody looks, and a page that
tells what is changed in the process."""

from __future__ import annotations

import gc
import sqlite3
import sys
import threading
import time


def fill() -> None:
    with sqlite3.connect("shop.sqlite") as connection:
        connection.execute("create table if not exists item (id integer primary key, price integer)")
        connection.executemany("insert or ignore into item values (?, ?)", [(n, n * 3) for n in range(40)])


def state(*functions: object) -> str:
    """Empty where nothing of perfkit's is left."""
    left = [str(one) for one in (sqlite3.connect, *functions) if "perfkit" in str(getattr(one, "__code__", one))]
    left += [type(finder).__module__ for finder in sys.meta_path if "perfkit" in type(finder).__module__]
    left += [str(one) for one in gc.callbacks if "perfkit" in getattr(one, "__module__", "")]
    left += [str(one) for one in functions if hasattr(one, "perfkit_original")]
    return " ".join(left)


def rows() -> str:
    connection = sqlite3.connect("shop.sqlite")
    ids = [one for (one,) in connection.execute("select id from item limit 30")]
    prices = [connection.execute("select price from item where id = ?", (one,)).fetchone()[0] for one in ids]
    connection.close()
    return str(sum(prices))


fill()

try:
    import sqlalchemy

    engine = sqlalchemy.create_engine("sqlite:///shop.sqlite", connect_args={"check_same_thread": False})
    kept = engine.connect()

    def pooled() -> str:
        found = kept.execute(sqlalchemy.text("select price from item where id < :most"), {"most": 20}).fetchall()
        return str(sum(price for (price,) in found))

    from flask import Flask

    flask_app = Flask(__name__)
    flask_app.add_url_rule("/rows", "rows", rows)
    flask_app.add_url_rule("/pooled", "pooled", pooled)
    flask_app.add_url_rule("/state", "state", lambda: state(Flask.__call__, Flask.full_dispatch_request))

    from fastapi import FastAPI
    from starlette.routing import Route

    api = FastAPI()

    @api.get("/rows")
    def api_rows() -> str:
        return rows()

    @api.get("/blocks/{n}")
    async def blocks(n: int) -> str:
        time.sleep(0.03)
        return "slept"

    @api.get("/state")
    def api_state() -> str:
        return state(FastAPI.__call__, Route.handle)

except ImportError:  # a foreign interpreter, which has the standard library alone
    pass


def django_app() -> object:
    from django.conf import settings

    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite", "CONN_MAX_AGE": None}
    settings.configure(
        DEBUG=False, ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], DATABASES={"default": database}, MIDDLEWARE=[]
    )
    import django

    django.setup()
    from django.core.wsgi import get_wsgi_application
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path

    def items(request: object, n: int) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("select price from item where id < %s", [n])
            return HttpResponse(str(len(cursor.fetchall())))

    def changed(request: object) -> HttpResponse:
        return HttpResponse(state(type(connection.cursor())._execute))

    global urlpatterns
    urlpatterns = [path("items/<int:n>", items), path("state", changed)]
    return get_wsgi_application()


def plain(environ, start_response):  # type: ignore[no-untyped-def]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/state":
        from wsgiref.handlers import BaseHandler

        return [state(BaseHandler.run).encode()]
    return [rows().encode()]


if __name__ == "__main__":
    from wsgiref.simple_server import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = make_server("127.0.0.1", int(sys.argv[1]), plain, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()
