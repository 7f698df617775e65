"""Plans and statements prepared in SQL: what a record says beside the statement comes in, which statement it is about goes out."""

from __future__ import annotations

import html
import json
import re

# The query stands before the plan without an end of its own: the plan begins where a node with its cost does.
_TEXT_END = re.compile(rb"\n(?:Query Parameters: |[^\n]*\(cost=\d)")
_JSON = re.compile(rb'\{\s*"Query Text": (?=")')
_XML = re.compile(rb"\s*<explain[^>]*>\s*<Query-Text>(.*?)</Query-Text>", re.DOTALL)
_YAML = re.compile(rb'\s*Query Text: (?=")')
_PREPARE = re.compile(rb"prepare: PREPARE\s+(?:\"[^\"]+\"|[^\s(\"]+)\s*(?:\([^()]*\))?\s+AS\s+", re.IGNORECASE)
_CURSOR = re.compile(rb"\s*DECLARE\s", re.IGNORECASE)
_CURSOR_STEP = re.compile(rb"\s*(?:FETCH|MOVE|CLOSE|COMMIT|END|ROLLBACK|ABORT)\b", re.IGNORECASE)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


def query_of(plan: bytes) -> bytes:
    """The statement that the plan tells, empty where it tells none."""
    if plan.startswith(b"Query Text: ") and not plan.startswith(b'Query Text: "'):
        end = _TEXT_END.search(plan)
        return plan[12 : end.start()] if end else plan[12:]
    if found := _JSON.match(plan):
        return _string(plan, found.end())
    if found := _XML.match(plan):
        return html.unescape(found[1].decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if found := _YAML.match(plan):
        return _string(plan, found.end())
    return b""


def is_of(plan: bytes, statement: bytes) -> bool:
    """Whether it is the plan of this very text; exact also where the text looks like a plan."""
    if plan.startswith(b"Query Text: ") and plan[12:].startswith(statement):
        return plan[12 + len(statement) : 13 + len(statement)] in (b"\n", b"\r", b"")
    # A log with line breaks of two systems is read as if it had those of one; in the plan's JSON they are not the log's.
    return query_of(plan).replace(b"\r\n", b"\n") == statement.replace(b"\r\n", b"\n")


def is_within(plan: bytes, statement: bytes) -> bool:
    """Whether it is of a cursor that this statement read or closed: the cursor's statements have its time."""
    return _CURSOR_STEP.match(statement) is not None and _CURSOR.match(query_of(plan)) is not None


def prepared(detail: bytes) -> bytes:
    """What a statement EXECUTE executed, by its DETAIL; empty where that says something else."""
    found = _PREPARE.match(detail)
    return detail[found.end() :] if found else b""


def _string(plan: bytes, start: int) -> bytes:
    """The JSON string there. Plans are long: nothing behind the string is decoded."""
    found = _STRING.match(plan, start)
    if found is None:
        return b""
    try:
        return str(json.loads(found[0].decode("utf-8", "surrogateescape"), strict=False)).encode(
            "utf-8", "surrogateescape"
        )
    except (ValueError, UnicodeEncodeError):
        return b""
