"""Tokens of a statement without the length of its lists."""

from __future__ import annotations

from perfkit.shared.sqltokens import CUT, add_value, is_name
from perfkit.shared.sqlwords import QUERY

_PURE = frozenset({"?", ",", "-", "+", "null", "true", "false", "default", CUT})
_SIGNS = frozenset({"(", "[", ")", "]", ",", "?"})
_LIST_WORDS = frozenset({"in", "values"})
_ROW_OF_VALUES = [")", "values", "(", "?", ")"]
_LIST_STARTS = _LIST_WORDS | {"array"}
_SHORT_ELEMENT = 64  # tokens; longer elements of a list are not compared, which keeps nested lists linear


def collapsed(tokens: list[str]) -> list[str]:
    """Lists with each shape of element once, VALUES with its first row; a row or element of values alone is one `?`."""
    if _LIST_STARTS.isdisjoint(map(str.lower, tokens)):
        return tokens
    out: list[str] = []
    brackets: list[_Bracket] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        inner = brackets[-1] if brackets else None
        if token not in _SIGNS:
            out.append(token)
            if inner and inner.pure and token.lower() not in _PURE:
                inner.pure = False
        elif token in ("(", "["):
            brackets.append(_Bracket(_kind(token, out, tokens[at] if at < len(tokens) else ""), len(out)))
            out.append(token)
        elif token == "?":
            if out and out[-1].lower() in _LIST_WORDS:
                out += ["(", "?", ")"]
            else:
                add_value(out)
        elif token == ",":
            if inner and inner.kind == "list":
                _end_element(inner, out)
            out.append(token)
        elif inner:
            brackets.pop()
            _close(inner, out, token, brackets[-1] if brackets else None)
            if inner.kind == "row":
                at = _after_rows(tokens, at)
        else:
            out.append(token)
    for bracket in brackets:
        if bracket.kind == "list" and bracket.seen:
            del out[bracket.element - 1 :]
            out.append(CUT)
            break
    return out


def ordered_columns(tokens: list[str]) -> list[str]:
    """Columns of an INSERT by name, where its rows are values alone: programs that insert mappings write them in any order."""
    if tokens[:1] not in (["insert"], ["replace"]) or "(" not in tokens:
        return tokens
    start = tokens.index("(") + 1
    end = tokens.index(")", start) if ")" in tokens[start:] else start
    columns, commas = tokens[start:end:2], tokens[start + 1 : end : 2]
    if (
        tokens[end : end + 5] != _ROW_OF_VALUES
        or commas != [","] * (len(columns) - 1)
        or not all(map(is_name, columns))
    ):
        return tokens
    listed = [part for column in sorted(columns) for part in (",", column)]
    return [*tokens[:start], *listed[1:], *tokens[end:]]


_NOTHING: set[tuple[str, ...]] = set()


class _Bracket:
    """An open bracket: where it stands in the output, and what its elements have been so far."""

    __slots__ = ("element", "kind", "pure", "seen", "start")

    def __init__(self, kind: str, start: int) -> None:
        self.kind, self.start, self.element, self.pure = kind, start, start + 1, True
        self.seen: set[tuple[str, ...]] = _NOTHING


def _kind(token: str, out: list[str], following: str) -> str:
    before = out[-1].lower() if out else ""
    if before == "values" and token == "(":
        return "row"
    if (before == "in" and token == "(" and following.lower() not in QUERY) or (before == "array" and token == "["):
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
            add_value(out)
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
        elif bracket.seen:
            bracket.seen.add(shape)
        else:
            bracket.seen = {shape}
    bracket.element = len(out) + 1


def _after_rows(tokens: list[str], at: int) -> int:
    """The index after all further rows, and after the ellipsis that stands for some."""
    while tokens[at : at + 2] == [",", "("]:
        depth, at = 1, at + 2
        while at < len(tokens) and depth:
            depth += (tokens[at] == "(") - (tokens[at] == ")")
            at += 1
    return at + 2 if tokens[at : at + 2] == [",", CUT] else at
