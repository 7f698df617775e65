"""A statement on one line, as short as a table or a title needs it."""

from __future__ import annotations

from perfkit.shared.sqllists import collapsed
from perfkit.shared.sqltokens import CUT, joined, tokens_of
from perfkit.shared.sqlverbs import main_verb, on_level

_HUGE = 20_000
_SHORT_COLUMNS = 24  # characters of a select list that a title keeps: COUNT(*) says more than an ellipsis


def shortened(text: str, width: int, system: str = "") -> str:
    """One line of at most `width` characters, values as `?`. Long lists of columns give way first, then joins, then the end."""
    if len(text) > 40 * width + _HUGE:  # what a title shows stands in the beginning
        text = text[: 40 * width + _HUGE] + CUT
    tokens = collapsed(tokens_of(text, system, fold=False))
    whole = joined(tokens)
    for shorten in (_without_parts, _without_columns, _without_joins):
        if len(whole) <= width:
            return whole
        tokens = shorten(tokens)
        whole = joined(tokens)
    return whole if len(whole) <= width else (whole[: max(width - 1, 0)].rstrip() + CUT)[: max(width, 0)]


def _without_parts(tokens: list[str]) -> list[str]:
    main = main_verb(tokens)
    return [tokens[0], CUT, *tokens[main:]] if main and tokens[0].lower() == "with" else tokens


def _without_columns(tokens: list[str]) -> list[str]:
    """`…` for the select list, the columns of INSERT, or what UPDATE sets."""
    main = main_verb(tokens)
    kind = tokens[main].lower() if main < len(tokens) else ""
    if kind in ("insert", "replace") and "(" in tokens[main:]:
        start = tokens.index("(", main)
        end = next((at for at in range(start, len(tokens)) if tokens[at] == ")"), len(tokens))
        return [*tokens[: start + 1], CUT, *tokens[end:]] if tokens[start - 1].lower() != "values" else tokens
    first, last = {"select": ("select", "from"), "update": ("set", "where")}.get(kind, ("", ""))
    level = [main, *on_level(tokens, main)] if first else []
    start = next((at for at in level if tokens[at].lower() == first), len(tokens)) + 1
    end = next((at for at in level if at >= start and tokens[at].lower() == last), len(tokens))
    if len(joined(tokens[start:end])) <= _SHORT_COLUMNS:
        return tokens
    return [*tokens[:start], CUT, *tokens[end:]]


def _without_joins(tokens: list[str]) -> list[str]:
    """`…` between the first table and WHERE."""
    level = [at for at in on_level(tokens, main_verb(tokens)) if tokens[at].lower() in ("from", "where")]
    if len(level) < 2 or tokens[level[1]].lower() != "where":
        return tokens
    end = level[0] + 2
    while end + 1 < level[1] and tokens[end] == ".":
        end += 2
    return [*tokens[:end], CUT, *tokens[level[1] :]] if end < level[1] and tokens[end - 1] != "(" else tokens
