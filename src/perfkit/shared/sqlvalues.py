"""Values in their many spellings as one `?`: casts and typed literals, constants, `= any (…)`, and other words that mean the same.

In come tokens of a statement in lower case, out come fewer. What is equal here follows libpg_query's fingerprint where tokens show it.
"""

from __future__ import annotations

from perfkit.shared.sqlmysql import in_mysql
from perfkit.shared.sqltokens import CUT, MYSQL, add_value, is_name

_CONSTANTS = frozenset({"null", "true", "false"})
_WORDS_BEFORE_CONSTANT = frozenset({"select", "where", "and", "or", "then", "else", "when", "between", "like", "ilike"})
_NO_OPERATOR = frozenset({")", "]", "?", ".", "::", ";", ":", CUT})
_TYPED = frozenset({"date", "time", "timestamp", "timestamptz", "timetz", "interval", "uuid", "json", "jsonb"}) | {
    *("numeric", "bytea", "inet", "int4", "int8", "text"),
}
_ACTED_ON = _CONSTANTS | {"?", "default", "::", "cast", ",", ")", "inner", "outer", "!="}
_TWO_WORDS = frozenset(
    {("double", "precision"), ("character", "varying"), ("bit", "varying"), ("national", "character")}
)
_ZONES = (["with", "time", "zone"], ["without", "time", "zone"])
_JOINS = frozenset({"inner", "outer"})
_SPELLINGS = _CONSTANTS | _TYPED | _JOINS | {"::", "cast", "any", "some", "default", "!="}
_NAME_LAST = frozenset({"savepoint", "release", "fetch", "move", "close", "deallocate", "unlisten"})
_TRANSACTION = frozenset({"begin", "commit", "rollback", "end", "abort"})
_NAME_SECOND = frozenset({"declare", "prepare"})


def same_spelling(tokens: list[str], system: str) -> list[str]:
    """The tokens with one spelling for what means the same: `?::uuid`, `date ?` and `null` become `?`, `limit ?, ?` a LIMIT with OFFSET."""
    mysql = system in MYSQL
    tokens = in_mysql(_names_gone(tokens)) if mysql else _settings(_names_gone(tokens))
    words = set(tokens)
    if words.isdisjoint(_SPELLINGS) and not mysql and not _offset_first(tokens):
        return tokens
    out: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token not in _ACTED_ON:
            out.append(token)
            continue
        before = out[-1] if out else ""
        if token == "?":
            _typed_value(out, mysql)
        elif (token in _CONSTANTS and _is_operand_place(before)) or (token == "default" and before == "="):
            add_value(out)
        elif token == "::" and before == "?" and (end := _type_end(tokens, at)) > at:
            at = end
        elif token == "cast" and not mysql and (end := _cast_end(tokens, at)):
            at = end
            add_value(out)
        elif token == "," and out[-2:] == ["limit", "?"] and tokens[at : at + 1] == ["?"]:
            out.append("offset")
        elif token == ")" and out[-3:] in (["any", "(", "?"], ["some", "(", "?"]) and out[-4:-3] == ["="]:
            out[-4:] = ["in", "(", "?", ")"]
        elif not (token in _JOINS and _before_join(tokens, at, token)):
            out.append("<>" if token == "!=" else token)
    return out


def _offset_first(tokens: list[str]) -> bool:
    return "limit" in tokens and tokens[(at := tokens.index("limit") + 2) : at + 1] == [","]


def _is_operand_place(before: str) -> bool:
    """Whether NULL or TRUE after this token is a value, not a part of IS NULL, NOT NULL, DEFAULT NULL or ON TRUE."""
    if not before or is_name(before):
        return before in _WORDS_BEFORE_CONSTANT
    return before not in _NO_OPERATOR


def _names_gone(tokens: list[str]) -> list[str]:
    """`?` for the names of savepoints, cursors and prepared statements, which say nothing about the work; EXECUTE keeps a name
    without digits, for it is all that the statement shows."""
    first = tokens[0] if tokens else ""
    if first in _TRANSACTION and tokens[1:] in (["work"], ["transaction"]):
        return [first]
    at = len(tokens) - 1 if first in _NAME_LAST or (first == "rollback" and "to" in tokens) else 0
    if (first in _NAME_SECOND and tokens[1:2] != ["transaction"]) or (
        first == "execute" and len(tokens) > 1 and any(letter.isdigit() for letter in tokens[1])
    ):
        at = 1
    if first in ("release", "rollback", "deallocate") and tokens[at - 1 : at] in (["savepoint"], ["prepare"]):
        return [*tokens[: at - 1], "?"]
    if 0 < at < len(tokens) and (is_name(tokens[at]) or tokens[at] == "*"):
        return [*tokens[:at], "?", *tokens[at + 1 :]]
    return tokens


def _settings(tokens: list[str]) -> list[str]:
    """`set name = ?` for SET of PostgreSQL, whose values need no quotes; MySQL's SET holds expressions."""
    if tokens[:1] != ["set"]:
        return tokens
    at = 2 if tokens[1:2] in (["local"], ["session"]) else 1
    while tokens[at + 1 : at + 2] == ["."]:
        at += 2
    rest = tokens[at + 2 :]
    if tokens[at + 1 : at + 2] not in (["="], ["to"]) or not rest or ";" in rest or "(" in rest:
        return tokens
    return [*tokens[: at + 1], "=", "?"]


def _typed_value(out: list[str], mysql: bool) -> None:
    """Add a value, without the type that a literal may have before it: `date '…'`, `interval (0) '…'`, MySQL's `_utf8mb4'…'`."""
    if (out[-3:] in _ZONES and out[-4:-3] in (["timestamp"], ["time"])) or out[-4:] == ["interval", "(", "?", ")"]:
        del out[-4:]
    elif (out and out[-1] in _TYPED and out[-2:-1] != ["."] and not (mysql and out[-1] == "interval")) or (
        mysql and out and out[-1].startswith("_") and out[-1][1:].isalnum()
    ):
        out.pop()
    add_value(out)


def _type_end(tokens: list[str], at: int) -> int:
    """The index after the type that begins at `at`; `at` itself if none does."""
    if at >= len(tokens) or not is_name(tokens[at]):
        return at
    end = at + 2 if tuple(tokens[at : at + 2]) in _TWO_WORDS else at + 1
    while end + 1 < len(tokens) and tokens[end] == "." and is_name(tokens[end + 1]):
        end += 2
    if tokens[end : end + 1] == ["("]:
        close = next((near for near in range(end, min(end + 6, len(tokens))) if tokens[near] == ")"), end - 1)
        end = close + 1
    if tokens[end : end + 3] in _ZONES:
        end += 3
    while tokens[end : end + 2] == ["[", "]"]:
        end += 2
    return end


def _cast_end(tokens: list[str], at: int) -> int:
    """The index after `(? as type)` at `at`; 0 if something else stands there."""
    if tokens[at : at + 3] != ["(", "?", "as"]:
        return 0
    end = _type_end(tokens, at + 3)
    return end + 1 if end > at + 3 and tokens[end : end + 1] == [")"] else 0


def _before_join(tokens: list[str], at: int, token: str) -> bool:
    """Whether INNER or OUTER says what JOIN says without it."""
    before = tokens[at - 2 : at - 1]
    return tokens[at : at + 1] == ["join"] and (token == "inner" or before in (["left"], ["right"], ["full"]))
