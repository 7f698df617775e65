"""What the SQL rules say: advice by library, diffs of real lines, evidence with its counts."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sql_cases import Step, in_request, served

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.findings.slow_query import compared_in
from perfkit.model.finding import Finding
from recordings_from_text import recording_of

_LATE = "ForwardManyToOneDescriptor.__get__@lib/django/db/models/fields/related_descriptors.py:261"
_LAZY = (
    "InstrumentedAttribute.__get__@lib/sqlalchemy/orm/attributes.py:575; "
    "_LazyLoader._emit_lazyload@lib/sqlalchemy/orm/strategies.py:1121"
)
_QUERYSET = "QuerySet.__iter__@lib/django/db/models/query.py:386"
_SESSION = "Session.scalars@lib/sqlalchemy/orm/session.py:2676"
CUSTOMER = "SELECT id, name FROM shop_customer WHERE id = ?"
PRODUCT = "SELECT id, title FROM shop_product WHERE id = ?"
LINE = "SELECT id, title FROM shop_line WHERE order_id = ?"
COUNT = "SELECT COUNT(*) AS n FROM shop_line WHERE order_id = ?"
PARENT = "SELECT id, customer_id FROM shop_order"


def first(source: str, *steps: Step, rule: str = "n-plus-one", **options: Any) -> Finding:
    """The finding of a rule on requests that run these steps in `source`, which is shop.py."""
    text = f"{in_request('other@other.py:1')} 100"
    recording = recording_of(text, sources={"shop.py": source}, **served(*steps, **options))
    found = [f for f in judge(analyse(recording), (), date(2026, 1, 1)).findings if f.rule == rule]
    assert found
    return found[0]


def loop(source: str, *texts: str, via: str = "", parent: str = "", times: int = 30) -> Finding:
    """30 rows of a parent at the mark `parent`, then each text 30 times at the mark `each`."""
    of_parent = "; ".join(filter(None, ["listing@shop.py#parent", parent]))
    of_each = "; ".join(filter(None, ["listing@shop.py#each", via]))
    steps = [Step(text, of_each, times=times, seconds=0.001) for text in texts]
    return first(source, Step(PARENT, of_parent, rows=30), *steps)


def test_django_joins_what_each_row_loads() -> None:
    finding = loop(
        """
        def listing(request):
            for order in Order.objects.filter(open=True):  #<parent>
                shown.append((order.customer.name, order.product.title))  #<each>
        """,
        CUSTOMER,
        PRODUCT,
        via=_LATE,
        parent=_QUERYSET,
    )
    assert finding.title == "N+1: customer and product are loaded once per row"
    assert finding.advice.diff == (
        "-    for order in Order.objects.filter(open=True):\n"
        '+    for order in Order.objects.select_related("customer", "product").filter(open=True):'
    )
    assert finding.evidence[0].claim == "Same 2 statements × 30 in 20 of 20 requests: 1 + 30 + 30 = 61 queries."
    assert finding.evidence[1].claim == f"`{PARENT}` gave 30 rows just before."
    assert finding.confidence.level == "certain"


def test_the_query_may_be_made_in_another_line() -> None:
    finding = loop(
        """
        def listing(request):
            orders = Order.objects.all()
            for order in orders:  #<parent>
                shown.append(order.customer.name)  #<each>
        """,
        CUSTOMER,
        via=_LATE,
        parent=_QUERYSET,
    )
    assert finding.advice.diff == (
        '-    orders = Order.objects.all()\n+    orders = Order.objects.select_related("customer").all()'
    )


def test_of_two_queries_none_is_rewritten() -> None:
    finding = loop(
        """
        def listing(request):
            orders = Order.objects.all()
            others = Order.objects.filter(open=True)
            for order in chain(orders, others):  #<parent>
                shown.append(order.customer.name)  #<each>
        """,
        CUSTOMER,
        via=_LATE,
        parent=_QUERYSET,
    )
    assert finding.advice.diff is None
    assert '.select_related("customer")' in finding.advice.text


def test_django_prefetches_the_many() -> None:
    finding = loop(
        """
        def listing(request):
            for order in Order.objects.all():  #<parent>
                shown.append([line.title for line in order.lines.all()])  #<each>
        """,
        LINE,
        via=_QUERYSET,
        parent=_QUERYSET,
    )
    assert finding.title == "N+1: lines are loaded once per row"
    assert finding.advice.diff is not None
    assert 'Order.objects.prefetch_related("lines").all()' in finding.advice.diff


def test_django_counts_in_one_query() -> None:
    finding = loop(
        """
        def listing(request):
            for order in Order.objects.all():  #<parent>
                shown.append(order.lines.count())  #<each>
        """,
        COUNT,
        via="QuerySet.count@lib/django/db/models/query.py:600",
        parent=_QUERYSET,
    )
    assert finding.title == "N+1: lines are counted once per row"
    assert 'Count("lines")' in finding.advice.text


@pytest.mark.parametrize(
    ("query", "better"),
    [
        ("session.scalars(select(Order).limit(30))", "select(Order).options(selectinload(Order.customer)).limit(30)"),
        ("session.query(Order).limit(30)", "session.query(Order).options(selectinload(Order.customer)).limit(30)"),
        ("Order.query.limit(30)", "Order.query.options(selectinload(Order.customer)).limit(30)"),
    ],
)
def test_sqlalchemy_loads_the_relation_at_once(query: str, better: str) -> None:
    finding = loop(
        f"""
        def listing():
            for order in {query}:  #<parent>
                shown.append(order.customer.name)  #<each>
        """,
        CUSTOMER,
        via=_LAZY,
        parent=_SESSION,
    )
    assert finding.advice.diff is not None
    assert better in finding.advice.diff


def test_plain_sql_is_joined() -> None:
    finding = loop(
        """
        def listing():
            rows = db.execute(PARENT)  #<parent>
            for row in rows:
                db.execute(CUSTOMER, row[1])  #<each>
        """,
        CUSTOMER,
    )
    assert "a JOIN on shop_customer in the first statement" in finding.advice.text
    assert finding.advice.diff is None


def test_equal_rows_that_a_mapper_keeps_make_fewer_queries_than_rows() -> None:
    finding = loop(
        """
        def listing():
            for order in session.scalars(select(Order)):  #<parent>
                shown.append(order.customer.name)  #<each>
        """,
        CUSTOMER,
        via=_LAZY,
        parent=_SESSION,
        times=12,
    )
    assert finding.evidence[0].claim == "The same statement × 12 in 20 of 20 requests: 1 + 12 queries."
    assert finding.confidence.level == "certain"


def test_the_statement_of_a_helper_is_charged_to_it_and_the_loop_is_named() -> None:
    source = """
    def find(key):
        return db.execute(CUSTOMER, key).fetchone()  #<find>

    def listing(keys):
        return [find(key) for key in keys]  #<each>
    """
    at = "listing@shop.py#each; listing.<locals>.<listcomp>@shop.py#each; find@shop.py#find"
    finding = first(source, Step(CUSTOMER, at, times=8, seconds=0.002))
    assert finding.where is not None
    assert finding.where.function == "find"
    assert finding.evidence[-1].claim == "The loop is in listing()."
    assert finding.confidence.level == "high"


def test_rows_are_written_in_one_statement() -> None:
    source = """
    def take_in(rows):
        for row in rows:
            db.execute(INSERT, row)  #<insert>
            db.commit()  #<commit>
    """
    finding = first(
        source,
        Step("INSERT INTO event (name) VALUES (?)", "take_in@shop.py#insert", times=20, seconds=0.001),
        Step("COMMIT", "take_in@shop.py#commit", times=20, seconds=0.002, kind="transaction"),
        rule="row-by-row-write",
    )
    assert finding.title == "event: 20 rows are written one by one in a request, each with a commit"
    assert "executemany" in finding.advice.text
    assert "commit once after the loop" in finding.advice.text


def test_a_row_that_is_found_by_its_key_needs_no_index() -> None:
    step = Step("UPDATE topic SET views = views + ? WHERE topic.id = ?", "show@shop.py#views", seconds=0.02)
    source = """
    def show(topic):
        topic.count_view()  #<views>
    """
    advice = first(source, step, rule="slow-query").advice.text
    assert "index" not in advice
    assert "in one transaction" in advice


def test_django_keeps_its_connections_whatever_asks_first() -> None:
    at = "ListModelMixin.list@lib/rest_framework/mixins.py:40"
    finding = first("", Step("postgresql db/shop", at, seconds=0.02, kind="connect"), rule="connection-per-request")
    assert "CONN_MAX_AGE" in finding.advice.text


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("select id from orders where email = ? order by id", ["email"]),
        ('select "id" from "orders" where "orders"."email" = ? and "orders"."state" <> ?', ["email"]),
        ("select id from t where a in (?) and b between ? and ? and c like ? and d = ?", ["d", "a", "b"]),
        ("select id from t where lower(name) = ?", []),
        ("select count(*) from orders", []),
        ("select id from t where a < b and c > d", []),
        ("select o.id from orders o join line on line.o = o.id where o.a = ?", []),
    ],
)
def test_the_columns_that_an_index_would_have(text: str, columns: list[str]) -> None:
    assert compared_in(text, "postgresql") == columns
