"""What the probe lets out of the target: statements, never their values; and the fingerprint that perfkit makes of them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import time
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import perfkit
from perfkit.shared.sqltext import fingerprint
from perfkit.shared.sqltext import verb as verb_of_perfkit

FILE = Path(perfkit.__file__).parent / "probe" / "perfkit_probe" / "sqltext.py"
REDACTED = [
    ("SELECT a FROM t1 WHERE b = 15 AND c='it''s' AND d = 'x'", "SELECT a FROM t1 WHERE b = ? AND c=? AND d = ?"),
    ("SELECT 1, 1.5, .5, 1e-5, 1E+5, 0x1F, 1_000", "SELECT ?, ?, ?, ?, ?, ?, ?"),
    ("SELECT a-5, a -5, t1.c2, a$1, é2", "SELECT a-?, a -?, t1.c2, a$1, é2"),
    (
        "SELECT E'it\\'s', e'\\\\', 'C:\\', N'x', X'1F', B'01', U&'d\\0061', DATE'2020-01-01'",
        "SELECT ?, ?, ?, ?, ?, ?, ?, DATE?",
    ),
    ("SELECT $$it's$$, $tag$ $$ 'x' $tag$, a", "SELECT ?, ?, a"),
    ('SELECT "t1"."a\'5" FROM "t1", `x\'1`', 'SELECT "t1"."a\'5" FROM "t1", `x\'1`'),
    (
        "WHERE a=%s AND b=%(name)s AND c=? AND d=:name AND e=$1 AND f=?2",
        "WHERE a=%s AND b=%(name)s AND c=? AND d=:name AND e=$1 AND f=?2",
    ),
    ("SELECT a -- it's 5\nFROM t /* 'x */", "SELECT a  \nFROM t"),
    ("SELECT /* a /* it's */ 5 */ b /* c */", "SELECT   b"),
    ("SELECT /*+ MAX_ROWS(t 1000) */ a", "SELECT /*+ MAX_ROWS(t ?) */ a"),
    ("SELECT /*+ it's 5 */ a", "SELECT   a"),
    ("SELECT a[1:2], b::int4", "SELECT a[?:?], b::int4"),
    ("SELECT 'open", "SELECT ?"),
    ("SELECT $$open", "SELECT ?"),
    ('SELECT "open', "SELECT ?"),
    ("SELECT 1 /* open", "SELECT ?"),
    ("", ""),
]
REDACTED_MYSQL = [
    ('SELECT "it\\"s", \'it\\\'s\', "a""b", _utf8\'x\'', "SELECT ?, ?, ?, _utf8?"),
    ("SELECT `a'1` FROM t # it's 5", "SELECT `a'1` FROM t"),
    ("SELECT 5--1", "SELECT ?--?"),
    ("SELECT /*!40001 'x' */ a", "SELECT /*!? ? */ a"),
    ("SELECT /* /* */ 'x'", "SELECT   ?"),
]
VERBS = [
    ("select 1", "SELECT"),
    ("/* a /* b */ */ (( SELECT 1))", "SELECT"),
    ("-- x\n# y\n insert into t values (1)", "INSERT"),
    ("WITH x AS (SELECT 1), y AS (SELECT ')') UPDATE t SET a = 1", "UPDATE"),
    ("with", "WITH"),
    ("BEGIN", "BEGIN"),
    ("START TRANSACTION", "BEGIN"),
    ("END", "COMMIT"),
    ('ROLLBACK TO SAVEPOINT "x"', "ROLLBACK"),
    ('RELEASE SAVEPOINT "x"', "RELEASE"),
    ("PRAGMA foreign_keys", "PRAGMA"),
    ("secret", "other"),
    ("", "other"),
]
STATEMENTS = [
    "select a, -5 from t where b in (1, 2) and c = 'x' and d[1:2] = e and f::int = %s and g = :g and h = $1",
    "insert into t (a) values (1, E'\\'', null), (2, N'x', $$y$$)",
    'select /* a /* b */ c */ "T"."b" from "T" -- it\'s\n where a = 1e-5',
    'savepoint "s1_x1"',
]
# A name, then a value, then a sign: as statements are built, so that what was a value is known.
VALUE = st.one_of(
    st.integers(7_000_000, 7_999_999).map(str),
    st.integers(7_000_000, 7_999_999).map(lambda number: f"{number}.{number}e-{number}"),
    st.text(st.characters(exclude_characters="'$\\", exclude_categories=["Cs"])).map(
        lambda text: f"'secret{text}''secret'"
    ),
    st.text("a\\'\n").map(lambda text: "E'secret" + text.replace("\\", "\\\\").replace("'", "\\'") + "secret'"),
    st.text("a'\"\n/*-").map(lambda text: f"$x$secret{text}secret$x$"),
    st.text("a'\"\n-*").map(lambda text: f"/* secret {text} */"),
    st.text("a'\"/*").map(lambda text: f"-- secret {text}\n"),
)
NAME = st.sampled_from(["select", "t1", '"t\'1"', '"a"."b-- "', "`x'1`", "%s", ":name", "count", "e", "x"])
SIGN = st.sampled_from([" ", " = ", ", ", "(", ") ", " - ", "\n", " || "])


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("probe_sqltext", FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SQLTEXT = load()


@pytest.mark.parametrize(("text", "expected"), REDACTED)
def test_literals_go_and_the_rest_stays(text: str, expected: str) -> None:
    assert SQLTEXT.redact(text) == expected
    assert SQLTEXT.redact(text.encode()) == expected


@pytest.mark.parametrize(("text", "expected"), REDACTED_MYSQL)
def test_mysql_has_quotes_and_comments_of_its_own(text: str, expected: str) -> None:
    assert SQLTEXT.redact(text, "mysql") == expected


@pytest.mark.parametrize(("text", "expected"), VERBS)
def test_verb(text: str, expected: str) -> None:
    assert SQLTEXT.verb(text) == expected


def test_every_python_gives_the_same(python: str) -> None:
    cases = [text for text, _ in REDACTED]
    code = (
        "import sys, json, importlib.util as u; s = u.spec_from_file_location('m', sys.argv[1]); m = u.module_from_spec(s)\n"
        "s.loader.exec_module(m); texts = json.loads(sys.argv[2])\n"
        "print(json.dumps([[m.redact(t), m.redact(t, 'mysql'), m.verb(t)] for t in texts]))"
    )
    words = [python, "-I", "-W", "error", "-c", code, str(FILE), json.dumps(cases)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    expected = [[SQLTEXT.redact(text), SQLTEXT.redact(text, "mysql"), SQLTEXT.verb(text)] for text in cases]
    assert json.loads(done.stdout) == expected


@given(st.lists(st.tuples(NAME, SIGN, VALUE, SIGN), max_size=12))
def test_no_value_survives(parts: list[tuple[str, str, str, str]]) -> None:
    text = " ".join("".join(part) for part in parts)
    for shown in (SQLTEXT.redact(text), SQLTEXT.redact(text, "postgresql")):
        assert "secret" not in shown and "7" not in shown


@given(st.text() | st.binary(), st.sampled_from(["", "mysql", "sqlite", "postgresql"]))
def test_any_text_is_taken(text: str | bytes, system: str) -> None:
    assert isinstance(SQLTEXT.redact(text, system), str)
    assert isinstance(SQLTEXT.verb(text), str)


def test_what_is_no_text_gives_nothing() -> None:
    assert (SQLTEXT.redact(None), SQLTEXT.verb(7)) == ("", "other")


def test_a_long_text_is_cut_where_it_shows() -> None:
    shown = SQLTEXT.redact("select a, " * 2_001)
    assert len(shown) <= 20_001 and shown.endswith("…")
    assert SQLTEXT.redact("select '" + "x" * 30_000 + "', b") == "select ?…"
    assert SQLTEXT.redact(("select a" + "é" * 30_000).encode())[-3:] == "éé…"


@pytest.mark.parametrize(
    "shape",
    [
        "'",
        '"',
        "`",
        "(",
        "/*",
        "/* ",
        "*/",
        "/**",
        "$a$ ",
        "$a",
        "--",
        "-- \n(",
        "\\",
        "E'",
        "1",
        "1e",
        ".",
        '"a" ',
        " ",
        "#\n(",
    ],
)
def test_hostile_texts_of_5_mb_take_no_time(shape: str) -> None:
    text = shape * (5_000_000 // len(shape))
    began = time.process_time()
    SQLTEXT.redact(text), SQLTEXT.redact(text, "mysql"), SQLTEXT.verb(text), SQLTEXT.verb("with " + text)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("text", STATEMENTS)
def test_a_redacted_statement_has_the_fingerprint_of_the_raw_one(text: str) -> None:
    assert fingerprint(SQLTEXT.redact(text)) == fingerprint(text)


@pytest.mark.parametrize("text", [text for text, _ in VERBS if "#" not in text and text != "secret"])
def test_perfkit_reads_the_same_verb(text: str) -> None:
    assert verb_of_perfkit(text) == SQLTEXT.verb(text)
