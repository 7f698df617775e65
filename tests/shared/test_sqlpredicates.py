"""What statements ask of their tables, in three dialects, and that no text whatever breaks or slows the reader."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.shared.sqlpredicates import Comparison, Join, Ordering, TableUse, predicates


def _only(text: str, system: str = "postgresql") -> TableUse:
    (use,) = predicates(text, system)
    return use


def _kinds(use: TableUse) -> list[tuple[str, str]]:
    return [(one.expression or one.column, one.kind) for one in use.comparisons]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("a = 1", [("a", "equal")]),
        ("1 = a", [("a", "equal")]),
        ("t.a = $1 AND t.b > now() - interval '1 day'", [("a", "equal"), ("b", "range")]),
        ("a BETWEEN 1 AND 2 AND b = 3", [("a", "range"), ("b", "equal")]),
        ("(a = 1 AND (b < 2))", [("a", "equal"), ("b", "range")]),
        ("a IN (1, 2, 3)", [("a", "in")]),
        ("a = ANY($1)", [("a", "in")]),
        ("a NOT IN (1, 2)", [("a", "other")]),
        ("a <> 1", [("a", "other")]),
        ("NOT a = 1", [("a", "other")]),
        ("a IS NULL AND b IS NOT NULL", [("a", "null"), ("b", "not-null")]),
        ("a IS NOT DISTINCT FROM 1", [("a", "equal")]),
        ("active AND NOT hidden", [("active", "true"), ("hidden", "false")]),
        ("lower(t.email) = ?", [("lower(email)", "equal")]),
        ("data ->> 'k' = 'v'", [("data ->> 'k'", "equal")]),
        ("coalesce(a, ?) = 1", [("coalesce(a, ?)", "equal")]),
        ("(a, b) = (1, 2)", [("a", "equal"), ("b", "equal")]),
        ("(a, b) > (1, 2)", [("a", "range")]),
        ("a = 1 OR a = 2", [("a", "in")]),
        ("(status)::text = 'x'::text", [("status", "equal")]),
        ("a = (SELECT max(x) FROM generate_series(1, 2) x)", [("a", "equal")]),
        ("a = b", []),
        ("a = unknown.b", []),
        ("CASE WHEN a = 1 THEN b = 2 ELSE c = 3 END", []),
        ("NOT (a = 1 AND b = 2)", []),
    ],
)
def test_conditions_of_one_table(where: str, expected: list[tuple[str, str]]) -> None:
    assert _kinds(_only(f"SELECT * FROM t WHERE {where}")) == expected


@pytest.mark.parametrize(
    ("text", "wildcard"), [("'%x'", True), ("'_x'", True), ("'x%'", False), ("E'%x'", True), ("?", None), ("$1", None)]
)
def test_a_pattern_begins_with_a_wildcard(text: str, wildcard: bool | None) -> None:
    (one,) = _only(f"SELECT 1 FROM t WHERE a LIKE {text}").comparisons
    assert (one.kind, one.wildcard) == ("like", wildcard)


def test_ilike_has_no_beginning_to_search_by() -> None:
    assert _only("SELECT 1 FROM t WHERE a ILIKE 'x%'").comparisons[0].wildcard


def test_an_expression_over_a_parameter_or_a_cast_is_computed() -> None:
    assert _only("SELECT 1 FROM t WHERE coalesce(a, $1) = 2").comparisons[0].computes
    assert _only("SELECT 1 FROM t WHERE a::date = $1").comparisons[0].computes
    assert _only("SELECT 1 FROM t WHERE a + 1 > 2").comparisons[0].computes
    assert not _only("SELECT 1 FROM t WHERE coalesce(a, 0) = 2").comparisons[0].computes


def test_literals_are_kept_and_parameters_are_not() -> None:
    one, two, three = _only("SELECT 1 FROM t WHERE a = 'it''s' AND b = $1 AND c = 5").comparisons
    assert (one.literal, two.literal, three.literal) == ("'it''s'", None, "5")


def test_or_over_several_columns_is_kept_apart() -> None:
    use = _only("SELECT 1 FROM t WHERE c = 3 AND (a = 1 OR b = 2)")
    assert _kinds(use) == [("c", "equal")]
    assert [[one.column for one in branches] for branches in use.either] == [["a", "b"]]


def test_aliases_and_joins_find_their_tables() -> None:
    orders, customers = predicates(
        "SELECT o.id, c.name FROM orders AS o JOIN customers c ON c.id = o.customer_id AND c.kind = 'a' WHERE o.status = 1",
        "postgresql",
    )
    assert (orders.table, orders.alias, orders.alone) == ("orders", "o", False)
    assert orders.joins == (Join("customer_id", "c", "id"),)
    assert customers.joins == (Join("id", "o", "customer_id"),)
    assert _kinds(orders) == [("status", "equal")]
    assert _kinds(customers) == [("kind", "equal")]
    assert set(orders.columns or ()) == {"id", "customer_id", "status"}


def test_an_outer_joins_condition_does_not_filter_the_table_it_keeps() -> None:
    one, two = predicates("SELECT 1 FROM a LEFT JOIN b ON a.id = b.a AND a.x = 1 AND b.y = 2 WHERE b.z = 3", "sqlite")
    assert _kinds(one) == []
    assert _kinds(two) == [("y", "equal"), ("z", "equal")]


def test_columns_without_a_table_need_the_tables_columns() -> None:
    text = "SELECT total FROM orders JOIN customers USING (customer) WHERE total > 5"
    assert [use.comparisons for use in predicates(text, "postgresql")] == [(), ()]
    known = {"orders": ["customer", "total"], "customers": ["customer", "name"]}
    orders, customers = predicates(text, "postgresql", known)
    assert _kinds(orders) == [("total", "range")]
    assert customers.joins == (Join("customer", "orders", "customer"),)


def test_subqueries_with_and_unions_are_queries_of_their_own() -> None:
    text = (
        "WITH recent AS (SELECT id FROM orders WHERE day = $1) SELECT * FROM recent r WHERE r.id = 4 AND EXISTS "
        "(SELECT 1 FROM lines WHERE lines.order_id = r.id AND kind = 2) UNION ALL SELECT * FROM old WHERE x < 3 ORDER BY 1"
    )
    found = {use.table: use for use in predicates(text, "postgresql")}
    assert set(found) == {"orders", "lines", "old"}
    assert _kinds(found["orders"]) == [("day", "equal")]
    assert found["lines"].joins == (Join("order_id", "r", "id"),)
    assert _kinds(found["old"]) == [("x", "range")]
    assert found["old"].order == ()


def test_order_group_and_limit() -> None:
    use = _only("SELECT a AS k, b FROM t ORDER BY k DESC NULLS LAST, t.b LIMIT 5")
    assert use.order == (Ordering("a", True, "last"), Ordering("b"))
    assert use.limited
    assert _only("SELECT count(*) AS n, a FROM t GROUP BY a ORDER BY n").group == ("a",)
    assert _only("SELECT lower(a) AS k FROM t ORDER BY k").order == ()
    assert _only("SELECT a, b FROM t ORDER BY 2").order == (Ordering("b"),)
    assert not _only("SELECT a FROM t ORDER BY a").limited


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT * FROM t WHERE a = 1", None),
        ("SELECT t.* FROM t", None),
        ("SELECT count(*) FROM t WHERE a = 1", {"a"}),
        ("SELECT b * 2, sum(c) FROM t WHERE a = 1", {"a", "b", "c"}),
        ("SELECT at AT TIME ZONE 'utc', first FROM t ORDER BY last NULLS LAST", {"at", "first", "last"}),
        ("SELECT sum(x) OVER (PARTITION BY y ORDER BY z) FROM t", {"x", "y", "z"}),
        ("SELECT extract(year FROM d), b::date FROM t", {"b", "d"}),
    ],
)
def test_what_is_read_of_a_table(text: str, columns: set[str] | None) -> None:
    found = _only(text).columns
    assert (None if found is None else set(found)) == columns


def test_writes() -> None:
    update = _only('UPDATE "T x" AS u SET a = 1, b = 2 WHERE u."C d" = 3')
    assert (update.table, update.alias, update.verb) == ("T x", "u", "update")
    assert _kinds(update) == [("C d", "equal")]
    target, other = predicates("DELETE FROM t USING u WHERE t.uid = u.id AND u.x = 3", "postgresql")
    assert target.joins == (Join("uid", "u", "id"),)
    assert _kinds(other) == [("x", "equal")]
    (read,) = predicates("INSERT INTO a (x, y) SELECT x, y FROM b WHERE z = 1", "mysql")
    assert (read.table, _kinds(read)) == ("b", [("z", "equal")])
    assert predicates("INSERT INTO a VALUES (1, 2)", "mysql") == ()


def test_dialects_quote_and_fold_names_their_own_way() -> None:
    assert _only('SELECT 1 FROM "Big" WHERE "Col" = 1 AND Other = 2').comparisons == (
        Comparison("Col", "equal", literal="1"),
        Comparison("other", "equal", literal="2"),
    )
    use = _only('SELECT 1 FROM `my table` X WHERE x.`a``b` = "text" && x.C = 2', "mysql")
    assert use.table == "my table"
    assert _kinds(use) == [("a`b", "equal"), ("C", "equal")]


def test_conditions_as_plans_write_them() -> None:
    use = _only(
        "SELECT * FROM orders AS o WHERE (((o.status)::text = 'open'::text) AND (o.n = ANY ('{1,2}'::integer[])) AND (o.a ~~ 'x%'::text))"
    )
    assert _kinds(use) == [("status", "equal"), ("n", "in"), ("a", "like")]
    assert use.comparisons[0].literal == "'open'" and use.comparisons[2].wildcard is False


def test_nothing_is_said_of_a_text_of_megabytes() -> None:
    assert predicates(f"SELECT 1 FROM t WHERE a IN ({'1,' * 300_000}2)", "postgresql") == ()


@given(st.text(max_size=200), st.sampled_from(["postgresql", "mysql", "mariadb", "sqlite", ""]))
def test_no_text_raises(text: str, system: str) -> None:
    predicates(text, system)


_WORDS = "select from where ( ) [ ] and or not in like between is null = < , . a b t.x ? 'v' \"q\" join left on using order by group limit union with as case end update delete set distinct * :: any extract interval for"


@given(st.lists(st.sampled_from(_WORDS.split(" ")), max_size=60), st.sampled_from(["postgresql", "mysql", "sqlite"]))
def test_no_order_of_words_raises(words: list[str], system: str) -> None:
    predicates(f"select * from t where {' '.join(words)}", system)
    predicates(" ".join(words), system)


@pytest.mark.parametrize(
    ("before", "piece", "after"),
    [
        ("select * from t where a in (", "1,", "2)"),
        ("select * from t where ", "a = 1 and ", "b = 2"),
        ("select * from t where ", "a = 1 or b = 2 or ", "b = 2"),
        ("select * from t where ", "(", "a"),
        ("select * from t where ", "(select a from t where ", "a"),
        ("select ", "a as b, ", "c from t order by b"),
        ("select 1 from ", "a join ", "b"),
        ("", "select a from t where b = 1 union ", "select 2"),
        ("select * from t where ", "case when ", "a"),
        ("select c# from ", "t# right join ", "t where a = 1"),
        ("select c# from t where ", "c# = # and ", "a = 1"),
        ("select * from t where ", "exists (select 1 from u where u.a = t.b) and ", "true"),
    ],
)
def test_time_grows_with_the_length(before: str, piece: str, after: str) -> None:
    """Four times as long takes nowhere near sixteen times as long; one of three times, beside each other."""

    def seconds(times: int) -> float:
        text = before + "".join(piece.replace("#", str(number)) for number in range(times)) + after
        started = time.process_time()
        predicates(text, "postgresql")
        return time.process_time() - started

    assert any(seconds(8_000) < 9 * max(seconds(2_000), 1e-4) for _ in range(3))


def test_time_grows_with_tables_times_columns_only_up_to_a_limit() -> None:
    def seconds(times: int) -> float:
        tables = ", ".join(f"t{number}" for number in range(times))
        text = f"SELECT 1 FROM {tables} WHERE {' AND '.join(f'c{number} = 1' for number in range(times))}"
        started = time.process_time()
        assert len(predicates(text, "sqlite", {"t1": ["c1"]})) == times
        return time.process_time() - started

    assert any(seconds(4_000) < 9 * max(seconds(1_000), 1e-4) for _ in range(3))
