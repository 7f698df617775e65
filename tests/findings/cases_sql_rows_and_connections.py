"""orm-hydration, over-fetching, connection-per-request, pool-wait: rows, objects and connections."""

from __future__ import annotations

from rule_cases import Fires, Quiet
from sql_cases import TIMED, Step, in_request, ran, served

_OBJECTS = "orm-hydration"
_FETCH = "over-fetching"
_CONNECT = "connection-per-request"
_POOL = "pool-wait"
SHOP = {
    "shop.py": """
    def totals():
        orders = session.scalars(select(Order))  #<ask>
        return sum(order.total for order in orders)  #<sum>

    def listing(request):
        rows = list(Order.objects.all())  #<list>
        return render(rows)  #<render>

    def report():
        rows = db.execute(ALL).fetchall()  #<all>
        return {"open": len([row for row in rows if row.open])}  #<count>

    def database():
        return psycopg.connect(DSN)  #<connect>

    def nightly(keys):
        for key in keys:
            with database() as db:  #<again>
                db.execute(TOUCH, key)  #<touch>
    """,
}
ORDERS = "SELECT orders.id, orders.total FROM orders"
ALL = "SELECT id, open FROM orders WHERE year = ?"
_SQLALCHEMY = (
    "Session.scalars@lib/sqlalchemy/orm/session.py:2676; chunks@lib/sqlalchemy/orm/loading.py:220; "
    "_instance@lib/sqlalchemy/orm/loading.py:1100"
)
_SENDS = (
    "Session.scalars@lib/sqlalchemy/orm/session.py:2676; Connection.execute@lib/sqlalchemy/engine/base.py:1400; "
    "compile@lib/sqlalchemy/sql/elements.py:300"
)
_DJANGO = (
    "QuerySet.__iter__@lib/django/db/models/query.py:386; ModelIterable.__iter__@lib/django/db/models/query.py:120; "
    "Model.from_db@lib/django/db/models/base.py:580"
)
_PEEWEE = "ModelSelect.__iter__@lib/peewee.py:7000; ModelCursorWrapper.process_row@lib/peewee.py:8200"
_REST = f"{in_request('listing@shop.py#render')} 100"
_LOGIN = "database@shop.py#connect; connect@lib/psycopg/connection.py:100"
_POSTGRES = "postgresql db:5432/shop"
_WAIT = "totals@shop.py#ask; Session.scalars@lib/sqlalchemy/orm/session.py:2676"


def _made(frames: str, looks: int = 60) -> str:
    return f"{in_request(frames)} {looks}\n{in_request('listing@shop.py#render')} {100 - looks}"


FIRES = [
    Fires(
        "SQLAlchemy's objects, for a sum",
        _OBJECTS,
        _made(f"totals@shop.py#ask; {_SQLALCHEMY}"),
        function="totals",
        at="shop.py#ask",
        share=0.1 + 0.85 * 0.6,
        inside="_instance@sqlalchemy",
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(ORDERS, f"totals@shop.py#ask; {_SQLALCHEMY}", seconds=0.01, fetch=0.02, rows=2000)),
    ),
    Fires(
        "Django's models",
        _OBJECTS,
        _made(f"listing@shop.py#list; {_DJANGO}", 30),
        function="listing",
        at="shop.py#list",
        share=0.95 * 0.3,
        inside="Model.from_db@Django",
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(ORDERS, "listing@shop.py#list", seconds=0.01, rows=600)),
    ),
    Fires(
        "peewee's rows in a script",
        _OBJECTS,
        f"script>; listing@shop.py#list; {_PEEWEE} 70\nscript>; listing@shop.py#list; {TIMED} 10\n"
        "script>; listing@shop.py#render 20",
        function="listing",
        at="shop.py#list",
        share=0.7,
        inside="ModelCursorWrapper.process_row@peewee",
        sources=SHOP,
        options=ran(Step(ORDERS, "listing@shop.py#list", seconds=0.1, rows=9000)),
    ),
    Fires(
        "5,000 rows for a number",
        _FETCH,
        _REST,
        function="report",
        at="shop.py#all",
        share=0.4,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(ALL, "report@shop.py#all", seconds=0.02, fetch=0.06, rows=5000), size=40),
    ),
    Fires(
        "all columns of 800 rows for a short list",
        _FETCH,
        _REST,
        function="report",
        at="shop.py#all",
        share=0.2,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step("SELECT * FROM orders", "report@shop.py#all", fetch=0.039, rows=800), size=9000),
    ),
    Fires(
        "objects made and thrown away",
        _FETCH,
        _made(f"totals@shop.py#ask; {_SQLALCHEMY}"),
        function="totals",
        at="shop.py#ask",
        share=0.1 + 0.9 * 0.6,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(ORDERS, f"totals@shop.py#ask; {_SQLALCHEMY}", seconds=0.01, fetch=0.01, rows=3000), size=12
        ),
    ),
    Fires(
        "PostgreSQL, logged in for each request",
        _CONNECT,
        _REST,
        function="database",
        at="shop.py#connect",
        share=0.11,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(_POSTGRES, _LOGIN, seconds=0.02, rows=None, kind="connect"),
            Step("SET TIME ZONE ?", "database@shop.py#connect", seconds=0.002, rows=None),
        ),
    ),
    Fires(
        "a slow file system's SQLite",
        _CONNECT,
        _REST,
        function="database",
        at="shop.py#connect",
        share=0.02,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step("sqlite3", "database@shop.py#connect", seconds=0.004, rows=None, kind="connect")),
    ),
    Fires(
        "a script that connects for each row",
        _CONNECT,
        f"script>; nightly@shop.py#again; database@shop.py#connect; {TIMED} 60\nscript>; nightly@shop.py#touch 40",
        function="database",
        at="shop.py#connect",
        share=0.6,
        sources=SHOP,
        options=ran(
            Step(
                _POSTGRES,
                "nightly@shop.py#again; database@shop.py#connect",
                times=60,
                seconds=0.01,
                rows=None,
                kind="connect",
            )
        ),
    ),
    Fires(
        "every request waits",
        _POOL,
        _REST,
        function="totals",
        at="shop.py#ask",
        share=0.5,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(_POSTGRES, _WAIT, seconds=0.1, rows=None, kind="pool"),
            Step(ORDERS, "totals@shop.py#ask", seconds=0.05),
        ),
    ),
    Fires(
        "every second request waits",
        _POOL,
        _REST,
        function="totals",
        at="shop.py#ask",
        share=0.05,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(_POSTGRES, _WAIT, seconds=0.02, rows=None, kind="pool", every=2)),
    ),
    Fires(
        "two places wait for the same pool",
        _POOL,
        _REST,
        function="totals",
        at="shop.py#ask",
        share=0.3,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(_POSTGRES, _WAIT, seconds=0.04, rows=None, kind="pool"),
            Step(_POSTGRES, "listing@shop.py#list", seconds=0.02, rows=None, kind="pool"),
        ),
    ),
]
QUIET = [
    Quiet(
        "a page of objects",
        _OBJECTS,
        _made(f"totals@shop.py#ask; {_SQLALCHEMY}"),
        sources=SHOP,
        options=served(Step(ORDERS, f"totals@shop.py#ask; {_SQLALCHEMY}", rows=100)),
    ),
    Quiet(
        "one object from each of many statements",
        _OBJECTS,
        _made(f"totals@shop.py#ask; {_SQLALCHEMY}"),
        sources=SHOP,
        options=served(Step(ORDERS + " WHERE id = ?", f"totals@shop.py#ask; {_SQLALCHEMY}", times=400, seconds=0.0001)),
    ),
    Quiet(
        "the statement is made and sent",
        _OBJECTS,
        _made(f"totals@shop.py#ask; {_SENDS}"),
        sources=SHOP,
        options=served(Step(ORDERS, f"totals@shop.py#ask; {_SENDS}", rows=2000)),
    ),
    Quiet(
        "the project's own work with many rows",
        _OBJECTS,
        _made("totals@shop.py#sum"),
        sources=SHOP,
        options=served(Step(ORDERS, "totals@shop.py#ask", rows=2000)),
    ),
    Quiet(
        "all rows are in the response",
        _FETCH,
        _REST,
        sources=SHOP,
        options=served(Step(ALL, "report@shop.py#all", fetch=0.08, rows=5000), size=200_000),
    ),
    Quiet(
        "a limit says how many",
        _FETCH,
        _REST,
        sources=SHOP,
        options=served(Step(ALL + " LIMIT ?", "report@shop.py#all", fetch=0.08, rows=5000), size=40),
    ),
    Quiet(
        "some hundred rows for a number",
        _FETCH,
        _REST,
        sources=SHOP,
        options=served(Step(ALL, "report@shop.py#all", fetch=0.08, rows=600), size=40),
    ),
    Quiet(
        "a script has no response",
        _FETCH,
        f"script>; report@shop.py#all; {TIMED} 100",
        sources=SHOP,
        options=ran(Step(ALL, "report@shop.py#all", seconds=0.5, rows=50_000)),
    ),
    Quiet(
        "SQLite's file is opened in no time",
        _CONNECT,
        _REST,
        sources=SHOP,
        options=served(
            Step("sqlite3", "database@shop.py#connect", seconds=0.0001, rows=None, kind="connect"), seconds=0.002
        ),
    ),
    Quiet(
        "a pool that grows",
        _CONNECT,
        _REST,
        sources=SHOP,
        options=served(Step(_POSTGRES, _LOGIN, seconds=0.1, rows=None, kind="connect", every=5)),
    ),
    Quiet(
        "a script that connects once",
        _CONNECT,
        f"script>; nightly@shop.py#again; database@shop.py#connect; {TIMED} 100",
        sources=SHOP,
        options=ran(Step(_POSTGRES, "database@shop.py#connect", seconds=0.5, rows=None, kind="connect")),
    ),
    Quiet(
        "a short wait of a few",
        _POOL,
        _REST,
        sources=SHOP,
        options=served(Step(_POSTGRES, _WAIT, seconds=0.01, rows=None, kind="pool", every=10)),
    ),
    Quiet(
        "connections at hand",
        _POOL,
        _REST,
        sources=SHOP,
        options=served(Step(ORDERS, "totals@shop.py#ask", seconds=0.05)),
    ),
    Quiet(
        "a connection is opened, which is no wait for a pool",
        _POOL,
        _REST,
        sources=SHOP,
        options=served(Step(_POSTGRES, _LOGIN, seconds=0.05, rows=None, kind="connect")),
    ),
]
