"""What a statement is, without its values: fingerprint, verb, tables, a title.

In come statements, raw or with their literals already gone, out come strings and numbers. One lexer serves all; a text
that ends too soon is read as far as it goes, and time grows with its length. `system` is mysql, mariadb, postgresql,
sqlite or empty: with mysql and mariadb "…" is a string and backslashes escape.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from hashlib import blake2b

CUT = "…"

_MYSQL = frozenset({"mysql", "mariadb"})
_FLAT = _MYSQL | {"sqlite"}  # where the first */ ends a comment; elsewhere comments nest
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
_MAIN_VERBS = _WRITES | {"SELECT", "VALUES", "TABLE"}
_SAME_VERB = {"END": "COMMIT", "ABORT": "ROLLBACK"}
_QUERY = frozenset({"select", "with", "values", "table"})
_PURE = frozenset({"?", ",", "-", "+", "null", "true", "false", "default"})
_LIST_WORDS = frozenset({"in", "values"})
_SHORT_ELEMENT = 64  # tokens; longer elements of a list are not compared, which keeps nested lists linear
_SHORT_COLUMNS = 24  # characters of a select list that a title keeps: COUNT(*) says more than an ellipsis
# Words after which an operand begins, so that a minus belongs to the number and a parenthesis is not a call.
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "select from where and or not in on as by having limit offset set values returning distinct all any some between "
        "like ilike is case when then else union except intersect using into join exists over filter with return",
    )
)
_NAME_LAST = frozenset({"savepoint", "release", "rollback", "fetch", "move", "close", "deallocate"})
_NAME_SECOND = frozenset({"declare", "prepare", "execute"})
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

_NUMBER = r"\.?[0-9][\w.$]*(?:(?<=[eE])[+-][0-9][\w.$]*)?"
_BLOCK = r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"
_DOUBLED = r"'[^']*(?:''[^']*)*'?"
_ESCAPED = r"'[^'\\]*(?:(?:''|\\.?)[^'\\]*)*'?"
_PLACEHOLDER = r"%[sbt](?!\w)|%\(\w[^()\s]*\)s|\?(?![|&](?![|&]))\d*|(?<![\w\])\":?]):(?:\w+|\?)|\$\w+"
_REST = r"(?P<word>@{0,2}[^\W\d][\w$]*)|(?P<sign>->>|->|\#>>|\#>|@>|<@|<=>|<=|>=|<>|!=|\|\||&&|::|:=|%%|!~\*|~\*|!~|\?[|&]|\S)"
_STANDARD = re.compile(
    rf"""\s+|(?P<comment>{_BLOCK}|--[^\r\n]*)
    |(?P<name>"[^"]*(?:""[^"]*)*"|`[^`]*`)
    |(?P<value>[eE]{_ESCAPED}|(?:[nNxXbB]|[uU]&)?{_DOUBLED}|\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
        |{_PLACEHOLDER}|{_NUMBER}|["`].*)
    |{_REST}""",
    re.VERBOSE | re.DOTALL,
)
_MYSQL_TEXT = re.compile(
    rf"""\s+|(?P<comment>/\*M?!\d*(?=\s)|\*/|{_BLOCK}|--(?![^\s\x00-\x1f])[^\r\n]*|\#[^\r\n]*)
    |(?P<name>`[^`]*`)
    |(?P<value>[nNxXbB]?{_ESCAPED}|{_ESCAPED.replace("'", '"')}|{_PLACEHOLDER}|{_NUMBER}|`.*)
    |{_REST}""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")
_LETTER_OR_QUOTE = re.compile(r"[^\W\d]|[\"`@?]")


def fingerprint(text: str, system: str = "") -> str:
    """The normal form: equal for statements that differ in values, in the length of lists, in spacing or in case.

    IN lists become `in (?)`, rows of VALUES one row, names made by a driver (savepoints, cursors, prepared statements) `?`.
    """
    return _joined(_collapsed(_generated_gone(_tokens(text, system, fold=True))))


def fingerprint_id(fingerprint: str) -> str:
    """16 hex digits of BLAKE2b, the same in every run."""
    return blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def verb(text: str, system: str = "") -> str:
    """The first keyword, upper-cased: SELECT, BEGIN (also START TRANSACTION), COMMIT (also END), …; `other` if there is none.

    WITH gives the verb of the statement after its parts.
    """
    tokens = _tokens(text, system, fold=True)
    return _verb(tokens, _main(tokens))


def is_write(text: str, system: str = "") -> bool:
    """Whether rows are changed: INSERT, UPDATE, DELETE, MERGE, REPLACE, also inside a part of WITH."""
    tokens = _tokens(text, system, fold=True)
    if _verb(tokens, _main(tokens)) in _WRITES:
        return True
    parts = itertools.pairwise(tokens)
    return "with" in tokens[:2] and any(a == "(" and b.upper() in _WRITES for a, b in parts)


def has_limit(text: str, system: str = "") -> bool:
    """Whether the outermost query says LIMIT, FETCH FIRST or TOP."""
    tokens = _tokens(text, system, fold=True)
    main = _main(tokens)
    for at in _level(tokens, main):
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
    tokens = _tokens(text, system, fold=True)
    main = _main(tokens)
    if main >= len(tokens) or tokens[main] != "select":
        return None
    count, end = 1, len(tokens)
    for at in _level(tokens, main):
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
    tokens = _tokens(text, system, fold=True)
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


def shortened(text: str, width: int, system: str = "") -> str:
    """One line of at most `width` characters, values as `?`. Long lists of columns give way first, then joins, then the end."""
    tokens = _collapsed(_tokens(text, system, fold=False))
    whole = _joined(tokens)
    for shorten in (_without_parts, _without_columns, _without_joins):
        if len(whole) <= width:
            return whole
        tokens = shorten(tokens)
        whole = _joined(tokens)
    return whole if len(whole) <= width else (whole[: max(width - 1, 0)].rstrip() + CUT)[: max(width, 0)]


def _lexed(text: str, system: str) -> Iterator[re.Match[str]]:
    """The lexer's matches, with nested comments passed over whole where they nest."""
    pattern = _MYSQL_TEXT if system in _MYSQL else _STANDARD
    if system in _FLAT or text.count("/*") < 2:
        yield from pattern.finditer(text)
        return
    at = 0
    while match := pattern.match(text, at):
        at = match.end()
        if match.lastgroup == "comment" and match.group().startswith("/*"):
            at = _comment_end(text, match.start())
        yield match


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    return len(text)


def _tokens(text: str, system: str, fold: bool) -> list[str]:
    """Words, quoted names, signs, and `?` for each value; `fold` lowers words. Signs of numbers and last semicolons go."""
    tokens: list[str] = []
    for match in _lexed(text, system):
        kind = match.lastgroup
        if kind == "word":
            tokens.append(match.group().lower() if fold else match.group())
        elif kind in ("name", "sign"):
            tokens.append(match.group())
        elif kind in ("value", "tag"):
            _add_value(tokens)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return tokens


def _add_value(tokens: list[str]) -> None:
    while tokens and tokens[-1] in ("-", "+") and not (len(tokens) > 1 and _is_operand(tokens[-2])):
        tokens.pop()
    tokens.append("?")


def _is_operand(token: str) -> bool:
    return token in (")", "]") or (bool(_LETTER_OR_QUOTE.match(token)) and token.lower() not in _KEYWORDS)


def _generated_gone(tokens: list[str]) -> list[str]:
    """`?` for names with a digit where a driver names savepoints, cursors and prepared statements."""
    first = tokens[0] if tokens else ""
    at = len(tokens) - 1 if first in _NAME_LAST else 1 if first in _NAME_SECOND else 0
    if 0 < at < len(tokens) and any(letter.isdigit() for letter in tokens[at]):
        return [*tokens[:at], "?", *tokens[at + 1 :]]
    return tokens


class _Bracket:
    """An open bracket: where it stands in the output, and what its elements have been so far."""

    __slots__ = ("element", "kind", "pure", "seen", "start")

    def __init__(self, kind: str, start: int) -> None:
        self.kind, self.start, self.element, self.pure = kind, start, start + 1, True
        self.seen: set[tuple[str, ...]] = set()


def _collapsed(tokens: list[str]) -> list[str]:
    """Lists with each shape of element once, VALUES with its first row; a row or element of values alone is one `?`."""
    out: list[str] = []
    brackets: list[_Bracket] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        inner = brackets[-1] if brackets else None
        if token in ("(", "["):
            brackets.append(_Bracket(_kind(token, out, tokens[at] if at < len(tokens) else ""), len(out)))
            out.append(token)
        elif token in (")", "]") and inner:
            brackets.pop()
            _close(inner, out, token, brackets[-1] if brackets else None)
            if inner.kind == "row":
                at = _after_rows(tokens, at)
        elif token == "," and inner and inner.kind == "list":
            _end_element(inner, out)
            out.append(token)
        elif token == "?" and out and out[-1].lower() in _LIST_WORDS:
            out += ["(", "?", ")"]
        else:
            if inner and inner.pure and token.lower() not in _PURE:
                inner.pure = False
            out.append(token) if token != "?" else _add_value(out)
    for bracket in brackets:
        if bracket.kind == "list" and bracket.seen:
            del out[bracket.element - 1 :]
            out.append(CUT)
            break
    return out


def _kind(token: str, out: list[str], following: str) -> str:
    before = out[-1].lower() if out else ""
    if before == "values" and token == "(":
        return "row"
    if (before == "in" and token == "(" and following.lower() not in _QUERY) or (before == "array" and token == "["):
        return "list"
    return "group"


def _close(inner: _Bracket, out: list[str], token: str, outer: _Bracket | None) -> None:
    if inner.kind == "list":
        _end_element(inner, out)
        while out[-1] == "," and len(out) > inner.start + 1:
            out.pop()
    elif inner.pure and len(out) > inner.start + 1:
        if outer and outer.kind == "list":
            del out[inner.start :]
            _add_value(out)
            return
        if inner.kind == "row":
            out[inner.start + 1 :] = ["?"]
    out.append(token)
    if outer:
        outer.pure = False


def _end_element(bracket: _Bracket, out: list[str]) -> None:
    """Take the element that ends here away again, with its comma, if one of its shape was there before."""
    if len(out) - bracket.element <= _SHORT_ELEMENT:
        shape = tuple(out[bracket.element :])
        if all(token.lower() in _PURE for token in shape):
            shape = ("?",)
            out[bracket.element :] = shape
        if shape in bracket.seen:
            del out[bracket.element - 1 :]
        bracket.seen.add(shape)
    bracket.element = len(out) + 1


def _after_rows(tokens: list[str], at: int) -> int:
    """The index after all further rows."""
    while tokens[at : at + 2] == [",", "("]:
        depth, at = 1, at + 2
        while at < len(tokens) and depth:
            depth += (tokens[at] == "(") - (tokens[at] == ")")
            at += 1
    return at


def _joined(tokens: list[str]) -> str:
    parts: list[str] = []
    before = earlier = ""
    for token in tokens:
        if before and not _touch(earlier, before, token):
            parts.append(" ")
        parts.append(token)
        earlier, before = before, token
    return "".join(parts)


def _touch(earlier: str, before: str, token: str) -> bool:
    """Whether no space stands between two tokens: as SQL is usually set, and so that it reads back as the same tokens."""
    if token in (",", ")", "]", ";") or before in ("(", "["):
        return True
    if token in (".", "::", "["):
        return bool(_LETTER_OR_QUOTE.match(before)) or before in (")", "]")
    if before in (".", "::"):
        return bool(_LETTER_OR_QUOTE.match(token)) or (before == "." and token == "*")
    if token == "(":
        return before[0].isalpha() and before.lower() not in _KEYWORDS and earlier.lower() not in ("into", "as")
    return False


def _main(tokens: list[str]) -> int:
    """The index of the main verb: after opening parentheses and the parts of WITH; of WITH itself if nothing follows."""
    start = next((at for at, token in enumerate(tokens) if token not in ("(", ";")), len(tokens))
    if start < len(tokens) and tokens[start].lower() == "with":
        return next((at for at in _level(tokens, start) if tokens[at].upper() in _MAIN_VERBS), start)
    return start


def _level(tokens: list[str], start: int) -> Iterator[int]:
    """Indexes after `start` outside of any parenthesis opened later, until one opened earlier closes."""
    depth = 0
    for at in range(start + 1, len(tokens)):
        if tokens[at] in ("(", "["):
            depth += 1
        elif tokens[at] in (")", "]"):
            depth -= 1
            if depth < 0:
                return
        elif not depth:
            yield at


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
            or name[0] in _QUERY
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


def _without_parts(tokens: list[str]) -> list[str]:
    main = _main(tokens)
    return [tokens[0], CUT, *tokens[main:]] if main and tokens[0].lower() == "with" else tokens


def _without_columns(tokens: list[str]) -> list[str]:
    """`…` for the select list, the columns of INSERT, or what UPDATE sets."""
    main = _main(tokens)
    kind = tokens[main].lower() if main < len(tokens) else ""
    if kind in ("insert", "replace") and "(" in tokens[main:]:
        start = tokens.index("(", main)
        end = next((at for at in range(start, len(tokens)) if tokens[at] == ")"), len(tokens))
        return [*tokens[: start + 1], CUT, *tokens[end:]] if tokens[start - 1].lower() != "values" else tokens
    first, last = {"select": ("select", "from"), "update": ("set", "where")}.get(kind, ("", ""))
    level = [main, *_level(tokens, main)] if first else []
    start = next((at for at in level if tokens[at].lower() == first), len(tokens)) + 1
    end = next((at for at in level if at >= start and tokens[at].lower() == last), len(tokens))
    if len(_joined(tokens[start:end])) <= _SHORT_COLUMNS:
        return tokens
    return [*tokens[:start], CUT, *tokens[end:]]


def _without_joins(tokens: list[str]) -> list[str]:
    """`…` between the first table and WHERE."""
    level = [at for at in _level(tokens, _main(tokens)) if tokens[at].lower() in ("from", "where")]
    if len(level) < 2 or tokens[level[1]].lower() != "where":
        return tokens
    end = level[0] + 2
    while end + 1 < level[1] and tokens[end] == ".":
        end += 2
    return [*tokens[:end], CUT, *tokens[level[1] :]] if end < level[1] and tokens[end - 1] != "(" else tokens
