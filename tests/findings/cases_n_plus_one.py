"""n-plus-one: loops that read one row at a time, and what only looks like them."""

from __future__ import annotations

from rule_cases import Fires, Quiet
from sql_cases import TIMED, Step, in_request, ran, served

_RULE = "n-plus-one"
SHOP = {
    "shop.py": """
    def orders():
        rows = db.execute(ORDERS).fetchall()  #<parent>
        for row in rows:
            customer = db.execute(CUSTOMER, row.customer).fetchone()  #<customer>
            product = db.execute(PRODUCT, row.product).fetchone()  #<product>
            shown.append(show(row, customer))  #<show>
        return render(shown)  #<render>

    def one(identity):
        return db.execute(CUSTOMER, identity).fetchone()  #<one>

    def several():
        first = one(1)  #<first>
        return render(first)  #<page>

    class Database:
        def query(self, sql, *parameters):
            return self.connection.execute(sql, parameters).fetchall()  #<run>

        def one(self, sql, *parameters):
            return self.query(sql, *parameters)[0]  #<ask>

    def newest(database):
        for order in database.query(ORDERS):  #<newest>
            shown.append(database.one(CUSTOMER, order.customer))  #<name>

    def watch():
        while True:
            job = one(next_job())  #<watch>
            time.sleep(1)

    def consume():
        for message in consumer:
            row = one(message.id)  #<message>

    def export(ids):
        for identity in ids:
            write(one(identity))  #<export>
    """,
    "models.py": """
    def listing(request):
        for order in Order.objects.all():  #<loop>
            shown.append(order.customer.name)  #<late>
        return render(shown)  #<respond>
    """,
}
PARENT = "SELECT id, customer_id, product_id FROM orders LIMIT ?"
CUSTOMER = "SELECT name FROM customer WHERE id = ?"
PRODUCT = "SELECT title FROM product WHERE id = ?"
_LAYER = "Database.one@shop.py#ask; Database.query@shop.py#run"
_SERIALIZED = (
    "ListModelMixin.list@lib/rest_framework/mixins.py:43; ListSerializer.data@lib/rest_framework/serializers.py:818"
)
_FIELD = "get_attribute@lib/rest_framework/fields.py:99"
_LATE = "ForwardManyToOneDescriptor.__get__@lib/django/db/models/fields/related_descriptors.py:261"


def _parent(rows: int = 60, at: str = "orders@shop.py#parent") -> Step:
    return Step(PARENT, at, seconds=0.001, rows=rows)


FIRES = [
    Fires(
        "a serializer that reads a relation, with no line of the project's below the middleware",
        _RULE,
        f"""
        flask>; Audit.__call__@audit.py:9; route:GET /orders@<perfkit>:41; {_SERIALIZED}; {_FIELD}; {_LATE}; QuerySet.get@lib/django/db/models/query.py:600 60
        flask>; Audit.__call__@audit.py:9; route:GET /orders@<perfkit>:41; {_SERIALIZED}; QuerySet._fetch_all@lib/django/db/models/query.py:900 10
        flask>; Audit.__call__@audit.py:9; route:GET /orders@<perfkit>:41; {_SERIALIZED} 30
        """,
        function="get_attribute",
        at="lib/rest_framework/fields.py:99",
        share=0.1 + 0.6 * 0.9,
        endpoint="GET /orders",
        options=served(
            Step(PARENT, _SERIALIZED, seconds=0.0001, rows=20),
            Step(CUSTOMER, f"{_SERIALIZED}; {_FIELD}; {_LATE}", times=20, seconds=0.001),
        ),
    ),
    Fires(
        "a row each after a parent",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        function="orders",
        at="shop.py#customer",
        share=0.6,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(_parent(), Step(CUSTOMER, "orders@shop.py#customer", times=60, seconds=0.002)),
    ),
    Fires(
        "two statements in one loop",
        _RULE,
        f"{in_request('orders@shop.py#show')} 100",
        function="orders",
        at="shop.py#customer",
        share=0.45,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            _parent(30),
            Step(CUSTOMER, "orders@shop.py#customer", times=30, seconds=0.002),
            Step(PRODUCT, "orders@shop.py#product", times=30, seconds=0.001),
        ),
    ),
    Fires(
        "relations loaded late, mostly Python in the mapper",
        _RULE,
        f"""
        {in_request(f"listing@models.py#late; {_LATE}; QuerySet.get@lib/django/db/models/query.py:600")} 60
        {in_request("listing@models.py#late")} 20
        {in_request("listing@models.py#respond")} 20
        """,
        function="listing",
        at="models.py#late",
        share=0.1 + 0.6 * 0.9,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(PARENT, "listing@models.py#loop", seconds=0.0001, rows=20),
            Step(CUSTOMER, f"listing@models.py#late; {_LATE}", times=20, seconds=0.001),
        ),
    ),
    Fires(
        "few customers for many orders",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        function="orders",
        at="shop.py#customer",
        share=0.6,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(_parent(), Step(CUSTOMER, "orders@shop.py#customer", times=60, seconds=0.002, keys=12)),
    ),
    Fires(
        "a script's export",
        _RULE,
        f"script>; export@shop.py#export; one@shop.py#one; {TIMED} 50\nscript>; export@shop.py#export 50",
        function="one",
        at="shop.py#one",
        share=0.5,
        sources=SHOP,
        options=ran(Step(CUSTOMER, "<module>@main.py:1; export@shop.py#export; one@shop.py#one", times=500)),
    ),
    Fires(
        "through the project's own layer above the driver",
        _RULE,
        f"""
        {in_request("newest@shop.py#name; Database.one@shop.py#ask; Database.query@shop.py#run; execute@lib/pymysql/cursors.py:150")} 50
        {in_request("orders@shop.py#render")} 50
        """,
        function="newest",
        at="shop.py#name",
        share=0.3 + 0.65 * 0.5,
        sources=SHOP,
        endpoint="GET /orders",
        options=served(
            Step(PARENT, "newest@shop.py#newest; Database.query@shop.py#run", rows=30, seconds=0.01),
            Step(CUSTOMER, f"newest@shop.py#name; {_LAYER}", times=30, seconds=0.002),
        ),
    ),
    Fires(
        "many of unknown origin",
        _RULE,
        f"{in_request('other@other.py:3')} 100",
        function="lookup",
        at="other.py:9",
        share=0.2,
        endpoint="GET /orders",
        options=served(Step(CUSTOMER, "lookup@other.py:9", times=20, seconds=0.002)),
    ),
]
QUIET = [
    Quiet(
        "a few of unknown origin",
        _RULE,
        f"{in_request('other@other.py:3')} 100",
        options=served(Step(CUSTOMER, "lookup@other.py:9", times=8, seconds=0.005)),
    ),
    Quiet(
        "the same parameters again and again",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        sources=SHOP,
        options=served(_parent(), Step(CUSTOMER, "orders@shop.py#customer", times=60, seconds=0.002, keys=2)),
    ),
    Quiet(
        "chunks of many values",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        sources=SHOP,
        options=served(
            _parent(),
            Step("SELECT name FROM customer WHERE id IN (?, ?, ?)", "orders@shop.py#customer", times=20, rows=100),
        ),
    ),
    Quiet(
        "pages of a worker",
        _RULE,
        f"script>; export@shop.py#export; {TIMED} 100",
        sources=SHOP,
        options=ran(
            Step("SELECT * FROM t WHERE id > ? ORDER BY id LIMIT ?", "export@shop.py#export", times=400, rows=500)
        ),
    ),
    Quiet(
        "jobs looked for over time",
        _RULE,
        f"script>; watch@shop.py#watch; one@shop.py#one; {TIMED} 100",
        sources=SHOP,
        options=ran(Step(CUSTOMER, "watch@shop.py#watch; one@shop.py#one", times=500)),
    ),
    Quiet(
        "a statement for each message of a queue",
        _RULE,
        f"script>; consume@shop.py#message; one@shop.py#one; {TIMED} 100",
        sources=SHOP,
        options=ran(Step(CUSTOMER, "consume@shop.py#message; one@shop.py#one", times=500)),
    ),
    Quiet(
        "rows written one by one",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        sources=SHOP,
        options=served(
            _parent(), Step("INSERT INTO seen VALUES (?)", "orders@shop.py#customer", times=60, seconds=0.002)
        ),
    ),
    Quiet(
        "once in a request, by many requests",
        _RULE,
        f"{in_request('several@shop.py#page')} 100",
        sources=SHOP,
        options=served(Step(CUSTOMER, "several@shop.py#first; one@shop.py#one", seconds=0.1), requests=60),
    ),
    Quiet(
        "one request in many loops",
        _RULE,
        f"{in_request('orders@shop.py#render')} 100",
        sources=SHOP,
        options=served(
            _parent(2, at="several@shop.py#first"),
            Step(CUSTOMER, "orders@shop.py#customer", times=2, seconds=0.002),
            requests=40,
        ),
    ),
]
