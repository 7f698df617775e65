"""A request loop that keeps accounts: `python overhead_target.py KIND SECONDS`, or `KIND turns`.

Every tenth of a second it prints one line: monotonic clock, CPU seconds of the process, seconds for which its main thread
waited in the run queue because others had the CPU, requests done so far. In turns, it serves as many requests as a line of
its input says, and prints what those took: CPU seconds, seconds in the run queue, wall seconds.
"""

from __future__ import annotations

import builtins
import json
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from types import ModuleType

THREADS, DEPTH = 4, 40
_ROWS = 20


def plain() -> int:
    """About 0.1 ms of dictionaries, strings and arithmetic."""
    words = {str(number): number * number for number in range(150)}
    return len(json.dumps(words)) + sum(value % 7 for value in words.values())


def deep(left: int = DEPTH) -> int:
    return plain() if left == 0 else deep(left - 1)


def flask() -> Callable[[], object]:
    """A Flask application with a SQLite query and a JSON answer, called through WSGI without a socket."""
    from flask import Flask, g, jsonify
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    app = Flask(__name__)
    local = threading.local()

    def database() -> sqlite3.Connection:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(":memory:")
            local.connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price INTEGER)")
            rows = [(number, f"item {number}", number * 7 % 100) for number in range(500)]
            local.connection.executemany("INSERT INTO item VALUES (?, ?, ?)", rows)
        connection: sqlite3.Connection = local.connection
        return connection

    @app.before_request
    def connect() -> None:
        g.database = database()

    @app.get("/items/<int:price>")
    def items(price: int) -> object:
        query = "SELECT id, name, price FROM item WHERE price > ? ORDER BY name LIMIT ?"
        rows = g.database.execute(query, (price, _ROWS)).fetchall()
        return jsonify([{"id": number, "name": name, "price": cost} for number, name, cost in rows])

    environ = EnvironBuilder(path="/items/40").get_environ()
    return lambda: run_wsgi_app(app, environ.copy())


def _shop() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, total INTEGER)")
    connection.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, town TEXT)")
    rows = range(2000)
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, n % 50, n * 7 % 100) for n in rows])
    connection.executemany("INSERT INTO customer VALUES (?, ?, ?)", [(n, f"name {n}", f"town {n % 9}") for n in rows])
    connection.commit()
    return connection


def flask_sql(statements: bool = True) -> Callable[[], object]:
    """Flask and sqlite3: ten statements and about a millisecond a request. Without them, the same answer from a list."""
    from flask import Flask, jsonify
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    app = Flask(__name__)
    database = _shop()

    known = [(number, f"name {number}", f"town {number}", number) for number in range(9)]

    @app.get("/orders/<int:first>")
    @followed
    def orders(first: int) -> object:
        if not statements:
            return jsonify([{"id": n, "name": c, "town": t, "total": o, "words": _words(o)} for n, c, t, o in known])
        found = database.execute("SELECT id, customer, total FROM orders WHERE id >= ? LIMIT 9", (first,)).fetchall()
        shown = []
        for number, customer, total in found:
            query = "SELECT name, town FROM customer WHERE id = ?"
            name, town = database.execute(query, (customer,)).fetchone()
            shown.append({"id": number, "customer": name, "town": town, "total": total, "words": _words(total)})
        return jsonify(shown)

    environ = EnvironBuilder(path="/orders/40").get_environ()
    return lambda: run_wsgi_app(app, environ.copy())


def followed(function: Callable[..., object]) -> Callable[..., object]:
    """For profilers that follow what is decorated: they put `profile` among the builtins."""
    return getattr(builtins, "profile", lambda it: it)(function)  # type: ignore[no-any-return]


def _words(total: int) -> list[str]:
    """The application's own work, so that a request is not statements alone."""
    return sorted(f"{total * number % 17:03d}" for number in range(260))


def django_sql(statements: bool = True) -> Callable[[], object]:
    """Django and its ORM on SQLite: ten statements a request. Without them, the same answer from a list."""
    from django.conf import settings

    # Not this module: under a profiler that runs it, it is not `__main__` in sys.modules.
    urls = ModuleType("overhead_urls")
    sys.modules[urls.__name__] = urls
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        ROOT_URLCONF=urls,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
        SECRET_KEY="benchmark",
        LOGGING_CONFIG=None,
    )
    import django

    django.setup()
    from django.core.wsgi import get_wsgi_application
    from django.db import connection, models
    from django.http import JsonResponse
    from django.urls import path
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    class Customer(models.Model):
        name = models.TextField()

        class Meta:
            app_label = "shop"

    class Order(models.Model):
        customer = models.ForeignKey(Customer, models.CASCADE)
        total = models.IntegerField()

        class Meta:
            app_label = "shop"

    known = [{"id": number, "name": f"name {number}", "total": number} for number in range(9)]

    def orders(request: object, first: int) -> object:
        if not statements:
            return JsonResponse(known, safe=False)
        found = Order.objects.filter(id__gte=first)[:9]
        return JsonResponse([{"id": o.id, "name": o.customer.name, "total": o.total} for o in found], safe=False)

    with connection.schema_editor() as editor:
        editor.create_model(Customer)
        editor.create_model(Order)
    Customer.objects.bulk_create([Customer(id=n, name=f"name {n}") for n in range(1, 51)])
    Order.objects.bulk_create([Order(id=n, customer_id=n % 50 + 1, total=n) for n in range(1, 501)])
    urls.urlpatterns = [path("orders/<int:first>", orders)]  # type: ignore[attr-defined]
    application = get_wsgi_application()
    environ = EnvironBuilder(path="/orders/40").get_environ()
    return lambda: run_wsgi_app(application, environ.copy())


def queued() -> float:
    try:
        with open("/proc/self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def account(done: int) -> None:
    print(time.monotonic(), time.process_time(), queued(), done, flush=True)


def serve_in_turns(request: Callable[[], object]) -> None:
    for line in sys.stdin:
        since = time.process_time(), queued(), time.monotonic()
        for _ in range(int(line)):
            request()
        until = time.process_time(), queued(), time.monotonic()
        print("turn", *(end - start for start, end in zip(since, until, strict=True)), flush=True)


def answering(request: Callable[[], object]) -> Callable[[], object]:
    """A mistake would be measured otherwise."""
    answer = request()
    if isinstance(answer, tuple) and answer[1] != "200 OK":
        raise SystemExit(f"the target answers {answer[1]}")
    return request


def serve(request: Callable[[], object], seconds: float) -> None:
    done, until, mark = 0, time.monotonic() + seconds, 0.0
    while mark < until:
        for _ in range(10):
            request()
        done += 10
        now = time.monotonic()
        if now >= mark:
            account(done)
            mark = now + 0.1


def serve_by_threads(request: Callable[[], object], seconds: float) -> None:
    done = [0] * THREADS
    until = time.monotonic() + seconds

    def work(number: int) -> None:
        while time.monotonic() < until:
            request()
            done[number] += 1

    for number in range(THREADS):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    while time.monotonic() < until:
        account(sum(done))
        time.sleep(0.1)


REQUESTS: dict[str, Callable[[], Callable[[], object]]] = {
    "loop": lambda: plain,
    "deep": lambda: deep,
    "flask": flask,
    "flask-sql": flask_sql,
    "django-sql": django_sql,
    "flask-sql-0": lambda: flask_sql(False),
    "django-sql-0": lambda: django_sql(False),
}


def main() -> None:
    kind, how_long = sys.argv[1:3]
    if kind == "threads" and how_long == "turns":
        raise SystemExit("threads do not take turns")
    if kind == "threads":
        serve_by_threads(flask(), float(how_long))
    elif how_long == "turns":
        serve_in_turns(answering(REQUESTS[kind]()))
    else:
        serve(answering(REQUESTS[kind]()), float(how_long))


if __name__ == "__main__":
    main()
