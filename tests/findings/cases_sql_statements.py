"""repeated-query, slow-query, row-by-row-write: single statements that run too often or too long."""

from __future__ import annotations

from rule_cases import Fires, Quiet
from sql_cases import TIMED, Step, both, in_request, ran, served

_AGAIN = "repeated-query"
_SLOW = "slow-query"
_WRITE = "row-by-row-write"
SHOP = {
    "shop.py": """
    def cart():
        items = db.execute(ITEMS).fetchall()  #<items>
        return [price(item) for item in items]  #<each>

    def rate(currency):
        return db.execute(RATE, currency).fetchone()  #<rate>

    def import_rows(rows):
        for row in rows:
            db.execute(INSERT, row)  #<insert>
            db.execute(LINE, row.line)  #<line>
            db.commit()  #<commit>

    def poll():
        while True:
            jobs = db.execute(JOBS).fetchall()  #<poll>
            time.sleep(1)

    def receive(consumer):
        for message in consumer:
            db.execute(INSERT, message)  #<received>

    def save():
        session.commit()  #<flush>

    def register(rows):
        for row in rows:
            Entry(name=row).save()  #<save>
    """,
}
RATE = "SELECT value FROM rate WHERE currency = ?"
ITEMS = "SELECT id, amount FROM item WHERE cart = ?"
ORDERS = "SELECT id, total FROM orders WHERE email = ? AND state <> ? ORDER BY id"
INSERT = "INSERT INTO entry (event, at) VALUES (?, ?)"
LINE = "UPDATE line SET entry = ? WHERE id = ?"
_REST = f"{in_request('cart@shop.py#each')} 100"
_SAVE = "listing@lib/django/db/models/base.py:900"

FIRES = [
    Fires(
        "one currency for all items",
        _AGAIN,
        _REST,
        function="rate",
        at="shop.py#rate",
        share=0.39,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(RATE, "cart@shop.py#each; rate@shop.py#rate", times=40, seconds=0.002, keys=1)),
    ),
    Fires(
        "the same helper asked by two callers",
        _AGAIN,
        _REST,
        function="rate",
        at="shop.py#rate",
        share=0.2,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(RATE, "cart@shop.py#items; rate@shop.py#rate", seconds=0.04),
            Step(RATE, "cart@shop.py#each; rate@shop.py#rate", seconds=0.04),
        ),
    ),
    Fires(
        "with the mapper's part of the repetitions",
        _AGAIN,
        f"""
        {in_request("rate@shop.py#rate; Query.first@lib/sqlalchemy/orm/query.py:2700")} 50
        {in_request("cart@shop.py#each")} 50
        """,
        function="rate",
        at="shop.py#rate",
        share=0.9 * (0.2 + 0.8 * 0.5),
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(RATE, "rate@shop.py#rate", times=10, seconds=0.004, keys=1)),
    ),
    Fires(
        "asked by all requests of two endpoints",
        _AGAIN,
        f"{_REST}\n{in_request('cart@shop.py#each', 'GET /cart')} 100",
        function="rate",
        at="shop.py#rate",
        share=0.2,
        sources=SHOP,
        options=both(Step(RATE, "rate@shop.py#rate", seconds=0.04, shared=True), "GET /orders", "GET /cart"),
    ),
    Fires(
        "in a script",
        _AGAIN,
        f"script>; cart@shop.py#each; rate@shop.py#rate; {TIMED} 50\nscript>; cart@shop.py#each 50",
        function="rate",
        at="shop.py#rate",
        share=0.5,
        sources=SHOP,
        options=ran(Step(RATE, "cart@shop.py#each; rate@shop.py#rate", times=500, keys=2)),
    ),
    Fires(
        "thirty milliseconds each",
        _SLOW,
        _REST,
        function="cart",
        at="shop.py#items",
        share=0.15,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(ORDERS, "cart@shop.py#items", seconds=0.03)),
    ),
    Fires(
        "four milliseconds, where the database answers in 0.2",
        _SLOW,
        _REST,
        function="cart",
        at="shop.py#items",
        share=0.08,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(ORDERS, "cart@shop.py#items", times=4, seconds=0.004), Step(RATE, "rate@shop.py#rate", seconds=0.0002)
        ),
    ),
    Fires(
        "found while its rows are read",
        _SLOW,
        _REST,
        function="cart",
        at="shop.py#items",
        share=0.1,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(ORDERS, "cart@shop.py#items", seconds=0.0001, fetch=0.0199, rows=3)),
    ),
    Fires(
        "in a script, a few times",
        _SLOW,
        f"script>; cart@shop.py#items; {TIMED} 50\nscript>; cart@shop.py#each 50",
        function="cart",
        at="shop.py#items",
        share=0.48,
        sources=SHOP,
        options=ran(Step(ORDERS, "cart@shop.py#items", times=4, seconds=0.12)),
    ),
    Fires(
        "an import with a commit for each row",
        _WRITE,
        f"{in_request('import_rows@shop.py#line')} 100",
        function="import_rows",
        at="shop.py#insert",
        share=0.8,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(INSERT, "import_rows@shop.py#insert", times=40, seconds=0.001),
            Step("COMMIT", "import_rows@shop.py#commit", times=40, seconds=0.003, kind="transaction"),
        ),
    ),
    Fires(
        "two tables in one loop",
        _WRITE,
        f"{in_request('cart@shop.py#each')} 100",
        function="import_rows",
        at="shop.py#insert",
        share=0.3,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(INSERT, "import_rows@shop.py#insert", times=20, seconds=0.002),
            Step(LINE, "import_rows@shop.py#line", times=20, seconds=0.001),
        ),
    ),
    Fires(
        "objects saved one by one",
        _WRITE,
        f"""
        {in_request(f"register@shop.py#save; {_SAVE}")} 50
        {in_request("register@shop.py#save")} 50
        """,
        function="register",
        at="shop.py#save",
        share=0.2 + 0.8 * 0.5,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(Step(INSERT, f"register@shop.py#save; {_SAVE}", times=20, seconds=0.002)),
    ),
    Fires(
        "a script's import",
        _WRITE,
        f"script>; import_rows@shop.py#insert; {TIMED} 60\nscript>; import_rows@shop.py#line 40",
        function="import_rows",
        at="shop.py#insert",
        share=0.6,
        sources=SHOP,
        options=ran(Step(INSERT, "import_rows@shop.py#insert", times=600)),
    ),
]
QUIET = [
    Quiet(
        "different parameters",
        _AGAIN,
        _REST,
        sources=SHOP,
        options=served(Step(RATE, "rate@shop.py#rate", times=3, seconds=0.02)),
    ),
    Quiet(
        "once in each request, one endpoint",
        _AGAIN,
        _REST,
        sources=SHOP,
        options=served(Step(RATE, "rate@shop.py#rate", seconds=0.08, shared=True), requests=60),
    ),
    Quiet(
        "the session of the one client that made the load",
        _AGAIN,
        f"{_REST}\n{in_request('cart@shop.py#each', 'GET /cart')} 100",
        sources=SHOP,
        options=both(
            Step("SELECT data FROM session WHERE key = ?", "rate@shop.py#rate", seconds=0.04, shared=True),
            "GET /orders",
            "GET /cart",
        ),
    ),
    Quiet(
        "read, written, and read again",
        _AGAIN,
        _REST,
        sources=SHOP,
        options=served(
            Step("SELECT total FROM orders WHERE id = ?", "cart@shop.py#items", times=2, seconds=0.02, keys=1),
            Step("UPDATE orders SET total = ? WHERE id = ?", "cart@shop.py#each", seconds=0.001),
        ),
    ),
    Quiet(
        "begin and settings",
        _AGAIN,
        _REST,
        sources=SHOP,
        options=served(
            Step("SELECT 1", "cart@shop.py:2", times=10, keys=1, seconds=0.002),
            Step("SET search_path TO shop", "cart@shop.py:2", times=10, keys=1, seconds=0.002),
        ),
    ),
    Quiet(
        "jobs looked for over time",
        _AGAIN,
        f"script>; poll@shop.py#poll; {TIMED} 100",
        sources=SHOP,
        options=ran(Step("SELECT id FROM job WHERE state = ?", "poll@shop.py#poll", times=400, keys=1)),
    ),
    Quiet(
        "a round trip to a database far away",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(
            Step(ITEMS, "cart@shop.py#items", times=3, seconds=0.005), Step(RATE, "rate@shop.py#rate", seconds=0.004)
        ),
    ),
    Quiet(
        "a statement with a BEGIN of its own, beside the quick ends of transactions",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(
            Step(ITEMS, "cart@shop.py#items", times=4, seconds=0.003),
            Step("ROLLBACK", "cart@shop.py#items", times=4, seconds=0.0005, kind="transaction"),
        ),
    ),
    Quiet(
        "quick in the database, with much of the mapper's work around it",
        _SLOW,
        f"{in_request('cart@shop.py#items; QuerySet.count@lib/django/db/models/query.py:600')} 60\n{_REST}",
        sources=SHOP,
        options=served(
            Step(ITEMS, "cart@shop.py#items; QuerySet.count@lib/django/db/models/query.py:600", seconds=0.0015),
            Step(RATE, "rate@shop.py#rate", seconds=0.0002),
        ),
    ),
    Quiet(
        "many rows, quickly",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(Step(ORDERS, "cart@shop.py#items", seconds=0.02, fetch=0.02, rows=5000)),
    ),
    Quiet(
        "waits for a lock on purpose",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(
            Step("SELECT id FROM job WHERE id = ? FOR UPDATE", "cart@shop.py:2", seconds=0.05),
            Step("SELECT pg_sleep(?)", "cart@shop.py:3", seconds=0.05),
        ),
    ),
    Quiet(
        "an insert that waits for the disk",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(Step(INSERT, "import_rows@shop.py:9", seconds=0.03)),
    ),
    Quiet(
        "many quick ones in a loop",
        _SLOW,
        _REST,
        sources=SHOP,
        options=served(Step(RATE, "rate@shop.py#rate", times=40, seconds=0.003)),
    ),
    Quiet(
        "one statement for many rows",
        _WRITE,
        _REST,
        sources=SHOP,
        options=served(Step(INSERT, "import_rows@shop.py#insert", times=12, rows=500, seconds=0.004)),
    ),
    Quiet(
        "a few writes",
        _WRITE,
        _REST,
        sources=SHOP,
        options=served(Step(INSERT, "import_rows@shop.py#insert", times=6, seconds=0.01)),
    ),
    Quiet(
        "a script that writes what comes in",
        _WRITE,
        f"script>; receive@shop.py#received; {TIMED} 100",
        sources=SHOP,
        options=ran(Step(INSERT, "receive@shop.py#received", times=800)),
    ),
    Quiet(
        "one write in each of many requests",
        _WRITE,
        _REST,
        sources=SHOP,
        options=served(
            Step(INSERT, "import_rows@shop.py#insert", seconds=0.02),
            Step("COMMIT", "import_rows@shop.py#commit", seconds=0.03, kind="transaction"),
            requests=80,
        ),
    ),
]
