"""Explain room: a plan that somebody has comes in as text, of any database and in any form, with or without a table's borders; a
Plan goes out.
"""

from __future__ import annotations

import json
import re

from perfkit.errors import USAGE, PerfkitError
from perfkit.explain import mysql_json, mysql_table, mysql_tree, postgres_json, postgres_text, sqlite_plan
from perfkit.explain.plantree import MOST_CHARACTERS, valid_json
from perfkit.model.plan import Plan

_HINT = "PostgreSQL's EXPLAIN as text or JSON, MySQL's as JSON, TREE or a table, SQLite's EXPLAIN QUERY PLAN"
_RULER = re.compile(r"\s*[+|]?[-=+\u2500\u253c]{3,}[+|]?\s*")
_TITLE = re.compile(r"\s*\|?\s*(?:QUERY PLAN|EXPLAIN|ANALYZE)\s*\|?\s*")
_COUNT = re.compile(r"\(?\d+ rows?\)?(?: in set)?.*|Time: [\d.]+ ms")
_LOGGED = re.compile(r".*\bduration: [\d.]+ ms {1,2}plan:\s*$")


def read_plan(text: str) -> Plan:
    """Finds out itself what it is. Raises PerfkitError where it is no plan, too deep, or too long."""
    if len(text) > MOST_CHARACTERS:
        raise PerfkitError(f"the plan is {len(text):,} characters long.", f"up to {MOST_CHARACTERS:,} are read", USAGE)
    text = text.replace("\r\n", "\n").replace("\0", "")
    if not text.strip():
        raise PerfkitError("the plan is empty.", _HINT, USAGE)
    try:
        return _read(text)
    except RecursionError:
        raise PerfkitError("the plan is too deep to be read.", "explain a simpler statement", USAGE) from None


def _read(text: str) -> Plan:
    lines = unboxed(text)
    body = "\n".join(lines)
    if (text_of_json := _json_in(body)) is not None:
        return _of_json(json.loads(text_of_json), text_of_json)
    if mysql_table.is_table(text):
        return mysql_table.read_table(text)
    if mysql_tree.is_tree(body):
        return mysql_tree.read_tree(body)
    if postgres_text.is_text(body):
        return postgres_text.read_text(body, lines)
    if sqlite_plan.is_sqlite(text.splitlines()):
        return sqlite_plan.read_lines(text, text.splitlines())
    if body.lstrip().startswith("<"):
        raise PerfkitError("the plan is XML, or a page.", "EXPLAIN (FORMAT JSON) … instead", USAGE)
    if re.match(r'\s*-\s+(?:Plan:|Query Text:)|\s*Query Text: "', body):
        raise PerfkitError("the plan is YAML.", "EXPLAIN (FORMAT JSON) … instead", USAGE)
    raise PerfkitError("there is no plan in the text.", _HINT, USAGE)


def unboxed(text: str) -> list[str]:
    """The lines without what psql and mysql draw around them, and without what a log says before them."""
    lines: list[str] = []
    for line in text.split("\n"):
        if _RULER.fullmatch(line) or _TITLE.fullmatch(line) or _COUNT.fullmatch(line.strip()) or _LOGGED.match(line):
            continue
        if line.startswith("|") and not line.startswith("|-") and line.rstrip().endswith("|"):
            line = line.strip()[1:-1]
        line = line.removeprefix("EXPLAIN: ").rstrip()
        if line.startswith("| ->"):
            line = line[2:]
        lines.append(line.removesuffix("+").rstrip() if line.endswith("+") else line)
    return lines


def _json_in(body: str) -> str | None:
    if not re.match(r"\s*[\[{]", body):
        return None
    try:
        return valid_json(body)
    except ValueError:
        raise PerfkitError("the plan begins like JSON, and cannot be read as that.", "give it whole", USAGE) from None


def _of_json(found: object, body: str) -> Plan:
    first = found[0] if isinstance(found, list) and found else found
    if isinstance(first, dict):
        if isinstance(first.get("Plan"), dict):
            return postgres_json.plan_of(first, body)
        if mysql_json.is_plan(first):
            return mysql_json.plan_of(first, body)
    raise PerfkitError("the JSON has no plan in it.", _HINT, USAGE)
