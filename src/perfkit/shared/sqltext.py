"""What a statement is, without its values: fingerprint, verb, tables, a title.

In come statements, raw or with their literals already gone, out come strings and numbers. `system` is mysql, mariadb, postgresql,
sqlite or empty: with mysql and mariadb "…" is a string and backslashes escape.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from perfkit.shared.sqllists import collapsed, ordered_columns
from perfkit.shared.sqltags import tags
from perfkit.shared.sqltitles import shortened
from perfkit.shared.sqltokens import CUT, joined, tokens_of
from perfkit.shared.sqlvalues import same_spelling
from perfkit.shared.sqlverbs import WRITES, main_verb, on_level
from perfkit.shared.sqlwords import QUERY

__all__ = [
    "CUT",
    "columns_selected",
    "fingerprint",
    "fingerprint_id",
    "has_limit",
    "is_write",
    "shortened",
    "tables",
    "tags",
    "verb",
]

_HUGE = 20_000  # characters
_SAME_VERB = {"END": "COMMIT", "ABORT": "ROLLBACK"}
_AFTER_TABLE = frozenset(
    {"where", "set", "on", "using", "group", "order", "limit", "union", "left", "right", "full"}
) | {
    *("inner", "cross", "natural", "join", "straight_join", "having", "for", "values", "returning", "select", "when"),
    *("except", "intersect", "offset", "fetch", "window", "default", "outer"),
}
_BEFORE_TABLE = frozenset({"only", "lateral", "low_priority", "ignore", "quick", "table"})
_SELECT_END = frozenset(
    {"from", "into", "where", "union", "except", "intersect", "limit", "order", "group", "having", ";"}
)


def fingerprint(text: str, system: str = "") -> str:
    """The normal form: equal for statements that differ in values, in the length of lists, in spacing or in case.

    IN lists become `in (?)`, rows of VALUES one row, names made by a driver (savepoints, cursors, prepared statements) `?`.
    """
    return joined(ordered_columns(collapsed(same_spelling(tokens_of(text, system, fold=True), system))))


def fingerprint_id(fingerprint: str) -> str:
    """16 hex digits of BLAKE2b, the same in every run."""
    return blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@lru_cache(maxsize=1024)
def _tokens(text: str, system: str) -> tuple[str, ...]:
    return tuple(tokens_of(text, system, fold=True))


def _judged(text: str, system: str) -> list[str]:
    """The tokens of a statement; of a huge one, those of its beginning and its end: what it is stands there."""
    if len(text) > _HUGE:
        text = f"{text[: _HUGE // 2]} {text[-_HUGE // 4 :]}"
    return list(_tokens(text, system))


def verb(text: str, system: str = "") -> str:
    """The first keyword, upper-cased: SELECT, BEGIN (also START TRANSACTION), COMMIT (also END), …; `other` if there is none.

    WITH gives the verb of the statement after its parts.
    """
    tokens = _judged(text, system)
    return _verb(tokens, main_verb(tokens))


def is_write(text: str, system: str = "") -> bool:
    """Whether rows are changed: INSERT, UPDATE, DELETE, MERGE, REPLACE, also inside a part of WITH."""
    tokens = _judged(text, system)
    if _verb(tokens, main_verb(tokens)) in WRITES:
        return True
    parts = itertools.pairwise(tokens)
    return "with" in tokens[:2] and any(a == "(" and b.upper() in WRITES for a, b in parts)


def has_limit(text: str, system: str = "") -> bool:
    """Whether the outermost query says LIMIT, FETCH FIRST or TOP."""
    tokens = _judged(text, system)
    main = main_verb(tokens)
    for at in on_level(tokens, main):
        following = tokens[at + 1] if at + 1 < len(tokens) else ""
        if tokens[at] == "limit" and tokens[at - 1] != ".":
            return True
        if (tokens[at] == "fetch" and following in ("first", "next")) or (
            tokens[at] == "top" and following in ("?", "(")
        ):
            return True
    return False


def columns_selected(text: str, system: str = "") -> int | None:
    """Items of the outermost SELECT; None where it has `*`, is cut off, or where there is no SELECT."""
    tokens = _judged(text, system)
    main = main_verb(tokens)
    if main >= len(tokens) or tokens[main] != "select":
        return None
    count, end = 1, len(tokens)
    for at in on_level(tokens, main):
        if tokens[at] in _SELECT_END and tokens[at - 1] not in (".", "distinct"):
            end = at
            break
        before, after = tokens[at - 1], tokens[at + 1] if at + 1 < len(tokens) else ""
        if tokens[at] == "*" and (before in ("select", "distinct", "all", ",", ".")) and not after.startswith("?"):
            return None
        count += tokens[at] == ","
    return None if end == main + 1 or CUT in tokens[main:end] else count


def tables(text: str, system: str = "") -> tuple[str, ...]:
    """Tables after FROM, JOIN, INTO and UPDATE without their quotes, outermost first; no functions, no parts of WITH."""
    tokens = _judged(text, system)
    parts = {
        a for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False) if b == "as" and c in ("(", "materialized")
    }
    found: dict[str, int] = {}
    reads = [False]  # per open parenthesis: whether FROM may follow (not inside EXTRACT(YEAR FROM …))
    for at, token in enumerate(tokens):
        if token == "(":
            reads.append(False)
        elif token == ")" and len(reads) > 1:
            reads.pop()
        elif token in ("select", "delete", "update"):
            reads[-1] = True
        if _before_table(tokens, at, reads[-1]):
            for name in _tables_at(tokens, at + 1, calls=token != "into", several=token == "from"):
                if name not in parts:
                    found[name] = min(found.get(name, len(reads)), len(reads))
    return tuple(_unquoted(name) for name in sorted(found, key=found.__getitem__))


def _verb(tokens: list[str], main: int) -> str:
    first = tokens[main].upper() if main < len(tokens) else ""
    if first == "START" and tokens[main + 1 : main + 2] == ["transaction"]:
        return "BEGIN"
    return _SAME_VERB.get(first, first) if first.isascii() and first.isalpha() else "other"


def _before_table(tokens: list[str], at: int, reads: bool) -> bool:
    token, before = tokens[at], tokens[at - 1] if at else ""
    if token == "from":
        return reads and before != "distinct"
    if token == "update":
        return before not in ("for", "key", "do", "on", ".")
    return token in ("into", "join", "straight_join") and before != "."


def _tables_at(tokens: list[str], at: int, calls: bool, several: bool) -> Iterator[str]:
    while at < len(tokens):
        while at < len(tokens) and (tokens[at] in _BEFORE_TABLE or tokens[at] == "("):
            at += 1
        end = at + 1
        while end + 1 < len(tokens) and tokens[end] == ".":
            end += 2
        name = tokens[at:end]
        if (
            not name
            or not re.match(r"[^\W\d]|[\"`]", name[0])
            or name[0] in QUERY
            or name[0] in ("outfile", "dumpfile")
        ):
            return
        if not (calls and tokens[end : end + 1] == ["("]):
            yield "".join(name)
        while end < len(tokens) and tokens[end] not in _AFTER_TABLE and re.match(r"[^\W\d]|[\"`]", tokens[end]):
            end += 1
        if not several or tokens[end : end + 1] != [","]:
            return
        at = end + 1


def _unquoted(name: str) -> str:
    return name.replace('"', "").replace("`", "")
