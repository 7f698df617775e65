"""Outlines of statements: whatever is in the statements, an outline that is believed has its statement's fingerprint."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perfkit.collectors.sqllog.cheapkeys import is_sound, outlines, read_exactly, rough_outlines, without_last_comment
from perfkit.collectors.sqllog.statements import Statements, tags
from perfkit.shared.sqltext import fingerprint

SYSTEMS = ["postgresql", "mysql", "mariadb", "sqlite", ""]
PIECES = [
    *(
        "'",
        "''",
        '"',
        '""',
        "`",
        "--",
        "/*",
        "*/",
        "\\",
        "\\'",
        "$$",
        "$a$",
        "$1",
        "$",
        "E'",
        "e'",
        " ",
        "\n",
        "\t",
        "\r",
    ),
    *(
        "5",
        "42",
        "1e5",
        "1e-5",
        "1.5",
        ".5",
        "-5",
        "1..2",
        "5.",
        "0x1F",
        "12ab",
        "a1",
        "a2",
        "t1",
        '"t1"',
        "x",
        "é",
        "é1",
        "٣",
    ),
    *(
        "IN",
        " IN (",
        "in (",
        "VALUES (",
        "values(",
        "ARRAY[",
        ")",
        "), (",
        ",",
        ", ",
        "]",
        "(",
        "1,2",
        "(1,2)",
        "'b','c'",
    ),
    *(
        "NULL",
        "DEFAULT",
        "?",
        "%s",
        "%(a)s",
        ":a",
        ":1",
        "::int",
        "@v",
        "@@x",
        "#",
        "#>",
        "SELECT",
        "FROM",
        "AS",
        "n'",
        "x'",
    ),
    *(
        "u&'",
        "=",
        ">",
        "-",
        "+",
        ".",
        "*",
        "/*!",
        "/*+ h */",
        "--x\n",
        "\x01",
        "\x02",
        "\x03",
        ";",
        "SAVEPOINT s1",
        "DECLARE c1",
    ),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.lists(st.sampled_from(PIECES), max_size=8).map(
    " ".join
)


def exact(text: bytes, system: str) -> str:
    return fingerprint(text.decode("utf-8", "replace"), system)


def outlines_of(texts: list[bytes], system: str) -> list[bytes]:
    return outlines(rough_outlines(texts, system))


@settings(max_examples=600, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(SYSTEMS))
@example(["''\nE'"], "postgresql")
@example(["''\n$$a$$"], "postgresql")
@example(["*/*/"], "mysql")
@example(["a-5", "1e-51e-5", ":1."], "postgresql")
@example(["\"a'b\" = 'x' AND \"c'd\" = 'y'"], "postgresql")
def test_an_outline_that_is_believed_has_the_fingerprint_of_its_statement(texts: list[str], system: str) -> None:
    raw = [text.encode() for text in texts]
    for text, outline in zip(raw, outlines_of(raw, system), strict=True):
        if is_sound(outline, system):
            assert exact(outline, system) == exact(text, system)
        body, comment = without_last_comment(text)
        (bare,) = outlines_of([body], system)
        if comment and is_sound(bare, system):
            assert exact(bare, system) == exact(text, system)
    for text, (outline_read, _) in zip(raw, read_exactly(raw, system), strict=True):
        if outline_read is not None:
            assert exact(outline_read, system) == exact(text, system)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=6), st.sampled_from(SYSTEMS))
def test_statements_have_the_number_of_their_exact_fingerprint(texts: list[str], system: str) -> None:
    statements = Statements(system)
    raw = [text.encode() for text in texts]
    for _ in range(2):  # known outlines take another way
        numbers, _ = statements.numbers(raw)
        assert [statements.known[number].fingerprint for number in numbers] == [exact(text, system) for text in raw]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\0", b"")), max_size=5), st.sampled_from(SYSTEMS)
)
def test_any_bytes_are_a_statement(texts: list[bytes], system: str) -> None:
    numbers, _ = Statements(system).numbers(texts)
    assert len(numbers) == len(texts)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT * FROM t WHERE a = 5", "SELECT * FROM t WHERE a = 42", True),
        ("SELECT * FROM t1", "SELECT * FROM t2", False),
        ('SELECT * FROM "t 1"', 'SELECT * FROM "t 2"', False),
        ('SELECT "a\'b", 1', 'SELECT "a\'c", 1', False),
        ("SELECT a1 FROM t", "SELECT a2 FROM t", False),
        ("SELECT 1e-5", "SELECT 7", True),
        ("SELECT a-5", "SELECT a-6", True),
        (r"SELECT E'it\'s', x", r"SELECT E'no', x", True),
        ("SELECT $$it's$$, 'a'", "SELECT $$x$$, 'b'", True),
        ("SELECT 1 -- it's\n, 'a'", "SELECT 2 -- that's\n, 'b'", True),
        ("SELECT 1 /* it's /* nested */ 'x */, a", "SELECT 1, a", True),
        ("SELECT * FROM t WHERE a IN (1, 2, 3)", "SELECT * FROM t WHERE a IN (1)", True),
        ("SELECT f(1, 2)", "SELECT f(1)", False),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (3, 'c')", True),
        ("SELECT 'IN (1, 2)', b", "SELECT '--', b", True),
    ],
)
def test_what_is_one_statement(one: str, other: str, same: bool) -> None:
    statements = Statements("postgresql")
    (first, second), _ = statements.numbers([one.encode(), other.encode()])
    assert (first == second) is same


def test_few_outlines_stand_for_many_statements() -> None:
    texts = [
        f'SELECT "o"."id" FROM o WHERE a = {n} AND b = \'x{n}\' AND c IN ({", ".join("1" * (n % 7 + 1))})'.encode()
        for n in range(500)
    ]
    assert len(set(outlines_of(texts, "postgresql"))) == 1


def test_tags_are_taken_out_without_those_of_one_request() -> None:
    text = b"DELETE FROM t WHERE id = 5 /*controller='users',route='%2Fa',traceparent='00-aa-bb-01'*/"
    plain = b"DELETE FROM t WHERE id = 6"
    statements = Statements("postgresql")
    numbers, comments = statements.numbers([text, plain])
    assert numbers[0] == numbers[1]
    assert tags(list(comments.values())) == ["controller=users", "route=/a"]


@pytest.mark.parametrize("system", ["postgresql", "mysql"])
@pytest.mark.parametrize("piece", ["'", '"', "/*", "$a$", "(1,", "1.", "\\'", "e'", "a--", "`", "x IN (1, "])
def test_time_grows_with_the_text(piece: str, system: str) -> None:
    """Ten times the text takes some ten times as long; what is quadratic takes a hundred times as long."""
    from time import process_time

    def seconds(count: int) -> float:
        text = (piece * count).encode()
        best = 1e9
        for _ in range(3):
            started = process_time()
            read_exactly([text], system)
            outlines_of([text], system)
            best = min(best, process_time() - started)
        return best

    assert seconds(40_000) < 40 * seconds(4_000) + 0.05
