"""Statements that are the same but for their values get one fingerprint; others do not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.shared.sqltext import (
    columns_selected,
    fingerprint,
    fingerprint_id,
    has_limit,
    is_write,
    shortened,
    tables,
    verb,
)

SAME = [
    ("select 1", "SELECT  2 ;"),
    ("select a from t where b in (1)", "select a from t where b in (1, 2, NULL, -3)"),
    ("select a from t where b in (%s)", "select a from t where b in %s"),
    ("select a from t where b in ($1::uuid)", "select a from t where b in ($1::UUID, $2::uuid)"),
    ("select a from t where (b, c) in ((1, 2))", "select a from t where (b, c) in ((1, 2), (3, 4))"),
    ("select a from t where b = any(array[1])", "select a from t where b = any(ARRAY[1, 2, 3])"),
    ("insert into t (a, b) values (1, 'x')", "INSERT INTO t(a,b) VALUES (2, 'y'), (NULL, 'z')"),
    ("insert into t values (1, now())", "insert into t values (1, now()), (2, now()), (3, now())"),
    ("select 'it''s'", "select 'x'"),
    ("select E'it\\'s'", "select 'x'"),
    ("select $a$ it's $$ $a$", "select $$x$$"),
    ("select N'x', X'1F', B'01', U&'d\\0061'", "select 'a', 'b', 'c', 'd'"),
    ("select 1e-5", "select 1.5"),
    ("select 0x1F", "select .5"),
    ("select a from t where b = -5", "select a from t where b = 5"),
    ("select a from t where b=%s and c=%(c)s", "select a from t where b = ? and c = :c"),
    ("select a from t where b=$1", "select a from t where b = :b_1"),
    ("select a -- it's\nfrom t", "select a from t"),
    ("select a /* x /* it's */ ' */ from t", "select a from t"),
    ("select /*+ SeqScan(t) */ a from t /*traceparent='00-ab'*/", "select a from t"),
    ('SAVEPOINT "s1234_x1"', 'savepoint "s9_x2"'),
    ("RELEASE SAVEPOINT sa_savepoint_1", "release savepoint sa_savepoint_27"),
    ("ROLLBACK TO SAVEPOINT `s1_x1`", "rollback to savepoint `s2_x1`"),
    ('DECLARE "c_7f01_1" CURSOR FOR SELECT a FROM t', 'declare "c_8a_2" cursor for select a from t'),
    ('FETCH FORWARD 100 FROM "_django_curs_1_sync_1"', 'FETCH FORWARD 50 FROM "_django_curs_2_sync_4"'),
    ("DEALLOCATE __asyncpg_stmt_1__", "DEALLOCATE __asyncpg_stmt_a2__"),
    ("DEALLOCATE _pg3_0", "DEALLOCATE _pg3_17"),
]
DIFFERENT = [
    ('select a from "t1"', 'select a from "t2"'),
    ('select a from "T"', 'select a from "t"'),
    ("select a from t1", "select a from t2"),
    ("select a5 from t", "select a - 5 from t"),
    ("select a from t where b in (1)", "select a from t where b in (select 1)"),
    ("select a from t where b in (c)", "select a from t where b in (1)"),
    ("select a from t where b = 1", "select a from t where b > 1"),
    ("select a from t where b is null", "select a from t where b is not null"),
    ("insert into t (a) values (1)", "insert into t (b) values (1)"),
    ("insert into t values (1)", "insert into t values (now())"),
    ("select a from t limit 1", "select a from t limit 1 offset 2"),
    ("select a->'x' from t", "select a->>'x' from t"),
]
MYSQL_SAME = [
    ('select "it\\"s"', "select 'x'"),
    ("select 'it\\'s'", "select 'x'"),
    ("select a from t # it's", "select a from t"),
    ("select /*!40001 SQL_NO_CACHE */ a from t", "select SQL_NO_CACHE a from t"),
    ("select 5--1", "select 7--2"),
]
HOSTILE = [
    "'",
    '"',
    "(",
    "in (",
    "values (",
    "/*",
    "/* ",
    "*/",
    "$a$ ",
    "$aaaa",
    "--",
    "\\'",
    "1e",
    "- ",
    "%(",
    "'a',",
    "in (1,",
    "`",
    "e'",
]
TOKENS = r"""select from where a T1 in values ( ) [ ] , . ; :: : :n $1 ? %s %(n)s %% - + * / ' " \ 1 2.5 1e-5 'x' "Q" `q` array
    null -- /* */ # $$ savepoint s1 ?| || ->> @v … e' as with t %"""
WORDS = [*TOKENS.split(), " ", "\n"]
SOUP = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.lists(st.sampled_from(WORDS), max_size=25).map(
    "".join
)
SYSTEM = st.sampled_from(["", "mysql", "sqlite"])


@pytest.mark.parametrize(("one", "other"), SAME)
def test_only_values_differ(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_more_than_values_differs(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(("one", "other"), MYSQL_SAME)
def test_mysql_has_quotes_and_comments_of_its_own(one: str, other: str) -> None:
    assert fingerprint(one, "mysql") == fingerprint(other, "mysql")


def test_the_normal_form() -> None:
    text = 'SELECT "Id", COUNT(*) FROM T WHERE a IN (1,2) AND b=a-5 AND c::INT4 > %(c)s;'
    assert fingerprint(text) == 'select "Id", count(*) from t where a in (?) and b = a - ? and c::int4 > ?'
    assert fingerprint("INSERT INTO t (a) VALUES (1), (2) ON CONFLICT DO NOTHING") == (
        "insert into t (a) values (?) on conflict do nothing"
    )
    assert fingerprint("") == fingerprint(" /* nothing */ ;") == ""


def test_a_list_that_was_cut_off_has_one_fingerprint() -> None:
    texts = ["select a from t where b in (1, 2, 3…", "select a from t where b in (1, 2, 'x"]
    assert {fingerprint(text) for text in texts} == {"select a from t where b in (? …"}


@given(SOUP, SYSTEM)
def test_the_normal_form_is_its_own(text: str, system: str) -> None:
    once = fingerprint(text, system)
    assert fingerprint(once, system) == once


@given(st.text() | SOUP, SYSTEM, st.integers(0, 60))
def test_any_text_can_be_read(text: str, system: str, width: int) -> None:
    fingerprint_id(fingerprint(text, system))
    assert len(shortened(text, width, system)) <= width
    columns_selected(text, system), has_limit(text, system), is_write(text, system), tables(text, system)


@pytest.mark.parametrize("shape", HOSTILE)
@pytest.mark.parametrize("system", ["", "mysql"])
def test_time_grows_with_length(shape: str, system: str) -> None:
    """Eight times the text takes far less than the 64 times of a quadratic reader."""

    def seconds(size: int) -> float:
        text = "select " + shape * (size // len(shape))
        began = time.process_time()
        fingerprint(text, system), tables(text, system), shortened(text, 80, system)
        return time.process_time() - began

    large, small = (min(seconds(size) for _ in range(3)) for size in (160_000, 20_000))
    assert large < 28 * max(small, 0.005)


def test_the_id_is_short_and_stable() -> None:
    assert fingerprint_id("select ?") == fingerprint_id("select ?") != fingerprint_id("select ?, ?")
    assert len(fingerprint_id("\ud800")) == 16


ORDERS = (
    'SELECT "shop_order"."id", "shop_order"."total" FROM "shop_order" INNER JOIN "shop_user" ON ("shop_order"."user" = '
    '"shop_user"."id") WHERE "shop_order"."total" > 12 LIMIT 21'
)


def test_a_title_keeps_table_and_condition() -> None:
    assert shortened(ORDERS, 300) == ORDERS.replace("12", "?").replace("21", "?")
    assert shortened(ORDERS, 140).startswith('SELECT … FROM "shop_order" INNER JOIN')
    assert shortened(ORDERS, 80) == 'SELECT … FROM "shop_order" … WHERE "shop_order"."total" > ? LIMIT ?'
    assert shortened(ORDERS, 50) == 'SELECT … FROM "shop_order" … WHERE "shop_order"."…'
    assert shortened("SELECT COUNT(*)\n FROM t WHERE abcdefgh = 1", 30) == "SELECT COUNT(*) FROM t WHERE…"
    assert (
        shortened('UPDATE "t" SET "aaaaaaaaa" = 1, "bbbbbbbbb" = 2 WHERE "id" = 5', 40)
        == 'UPDATE "t" SET … WHERE "id" = ?'
    )
    assert shortened('INSERT INTO "t" ("aaaaaaaaa", "bbbbbbbbb") VALUES (1, 2)', 40) == 'INSERT INTO "t" (…) VALUES (?)'
    assert shortened("WITH x AS (SELECT aaaaaaaaaaaaaa FROM b) SELECT c FROM x", 30) == "WITH … SELECT c FROM x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ORDERS, ("shop_order", "shop_user")),
        ('INSERT INTO public."T" (a) SELECT a FROM u', ("public.T", "u")),
        ("UPDATE ONLY t SET a = 1", ("t",)),
        ("DELETE FROM t WHERE a = 1", ("t",)),
        ("SELECT a FROM t, u AS x, v y WHERE 1 = 1", ("t", "u", "v")),
        ("SELECT (SELECT count(*) FROM u) FROM t FOR UPDATE", ("t", "u")),
        ("SELECT a FROM (SELECT a FROM t) s", ("t",)),
        ("SELECT EXTRACT(YEAR FROM a) FROM t WHERE a IS DISTINCT FROM b", ("t",)),
        ("WITH x AS (SELECT a FROM t) SELECT a FROM x", ("t",)),
        ("SELECT a FROM generate_series(1, 2)", ()),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1", ("t",)),
        ("SELECT a FROM `t` LEFT JOIN LATERAL u ON TRUE", ("t", "u")),
        ("COMMIT", ()),
    ],
)
def test_tables(text: str, expected: tuple[str, ...]) -> None:
    assert tables(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ORDERS, 2),
        ("SELECT * FROM t", None),
        ("SELECT a, t.* FROM t", None),
        ("SELECT count(*), a * 2, f(a, b) FROM t", 3),
        ("SELECT DISTINCT ON (a, b) a FROM t", 1),
        ("(SELECT a, b FROM t) UNION (SELECT c, d FROM u)", 2),
        ("WITH x AS (SELECT a FROM t) SELECT a, b FROM x", 2),
        ("SELECT a, b, c…", None),
        ("INSERT INTO t SELECT a FROM u", None),
        ("", None),
    ],
)
def test_columns_selected(text: str, expected: int | None) -> None:
    assert columns_selected(text) == columns_selected(fingerprint(text)) == expected


def test_a_limit_counts_where_it_holds_for_the_whole() -> None:
    assert has_limit(ORDERS) and has_limit("(select a from t limit 5)")
    assert has_limit("select a from t fetch first 5 rows only") and has_limit("select top (5) a from t")
    assert not has_limit("select a from (select a from t limit 5) s") and not has_limit(
        'select t.limit, "limit" from t'
    )


def test_writes() -> None:
    assert is_write("/* x */ update t set a = 1") and is_write("REPLACE INTO t VALUES (1)")
    assert is_write("with x as (insert into t values (1) returning a) select a from x")
    assert not is_write("select a from t for update") and not is_write("commit") and not is_write("")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- x\n ((select 1))", "SELECT"),
        ("with x as (select 1) delete from t", "DELETE"),
        ("START TRANSACTION", "BEGIN"),
        ("end", "COMMIT"),
        ("pragma foreign_keys = on", "PRAGMA"),
        ("?", "other"),
        ("", "other"),
    ],
)
def test_verb(text: str, expected: str) -> None:
    assert verb(text) == expected
