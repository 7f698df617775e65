"""Statements over several lines: the same statement, and never for long."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.shared.sqlformat import formatted
from perfkit.shared.sqltext import fingerprint

PARTS = [
    *(
        "select",
        "a, b",
        "from t",
        "join u on",
        "where",
        "a = 1",
        "and",
        "or",
        "in (1, 2)",
        "E'x\\'y'",
        "'from  where'",
        '"A  b"',
    ),
    *(
        "(",
        ")",
        "case when",
        "then",
        "end",
        "--x\n",
        "/* c */",
        "/*+ h */",
        "$$ it's $$",
        "insert into t values (1)",
        ", (2)",
    ),
    *("limit 5", ";", "'q0'", '"q1"', "…", "array[1]", "\x00", "with x as (", "update t set a = 5"),
]


def test_clauses_begin_lines() -> None:
    text = "SELECT u.id, name FROM users u LEFT JOIN t ON t.id = u.id WHERE a = 'x  from y' AND b IN (1, 2) ORDER BY u.id LIMIT 5"
    assert formatted(text, "postgresql").splitlines() == [
        "SELECT u.id, name",
        "FROM users u",
        "LEFT JOIN t ON t.id = u.id",
        "WHERE a = 'x  from y'",
        "  AND b IN (1, 2)",
        "ORDER BY u.id",
        "LIMIT 5",
    ]


def test_long_lists_end_in_an_ellipsis() -> None:
    numbers = ", ".join(map(str, range(1, 500)))
    assert formatted(f"select a from t where b in ({numbers}) limit 5", "").splitlines()[2:] == [
        "where b in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …)",
        "limit 5",
    ]
    rows = formatted("insert into t (a) values " + ", ".join(f"({n})" for n in range(9)) + " returning a", "")
    assert "(2)" in rows and "(3)" not in rows and rows.endswith("returning a")


def test_comments_go_and_hints_stay() -> None:
    assert (
        formatted("select /*+ SeqScan(t) */ a -- it's\n from t /*route='x'*/", "")
        == "select /*+ SeqScan(t) */ a\nfrom t"
    )


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ("select 'it\\'s  from', \"x  where\" from `a  b`", "mysql"),
        ("select 'C:\\', E'\\'  from', $x$  where\n$x$", "postgresql"),
    ],
)
def test_what_is_quoted_stays_as_it_is(text: str, system: str) -> None:
    shown = formatted(text, system)
    for quoted in text.removeprefix("select ").replace(" from `", ", `").split(", "):
        assert quoted in shown


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PARTS), max_size=20).map(" ".join), st.sampled_from(["", "postgresql", "mysql", "sqlite"])
)
def test_it_is_still_the_same_statement(text: str, system: str) -> None:
    assert fingerprint(formatted(text, system), system) == fingerprint(text, system)


@pytest.mark.parametrize(
    "shape",
    [
        "(",
        "()",
        "(a)",
        "in (1,",
        "case when ",
        "a.",
        "a+",
        "select 1;",
        "begin ",
        "'",
        "values (1),",
        "\x00",
        "\ud800",
        "/*",
        "[1]",
    ],
)
def test_a_hostile_statement_is_one_short_line(shape: str) -> None:
    shown = formatted("select a from t where " + shape * 400_000, "postgresql")
    assert len(shown) <= 20_000 and shown.startswith("select a")


def test_a_long_statement_is_cut() -> None:
    shown = formatted("select " + "'x' || " * 5_000 + "a from t", "")
    assert len(shown) == 10_000 and shown.endswith("…") and "\n" not in shown


def test_nothing_is_nothing() -> None:
    assert formatted("", "") == formatted(" -- x", "") == ""


def test_the_library_is_loaded_only_when_a_statement_is_shown() -> None:
    code = "import sys, perfkit.shared.sqlformat, perfkit.shared.sqltext; sys.exit('sqlparse' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
