"""What means the same in MySQL and MariaDB: tokens in lower case come in, fewer go out, as pt-query-digest merges them."""

from __future__ import annotations


def in_mysql(tokens: list[str]) -> list[str]:
    """`use ?`, VALUES for VALUE, no ASC, and one UNION for several in a row of the same SELECT."""
    first = tokens[0] if tokens else ""
    if first == "use" and len(tokens) == 2:
        return ["use", "?"]
    if first in ("insert", "replace") and "value" in tokens:
        pairs = zip(tokens, [*tokens[1:], ""], strict=True)
        tokens = ["values" if token == "value" and after == "(" else token for token, after in pairs]
    if "asc" in tokens:
        pairs = zip(["", *tokens], tokens, strict=False)
        tokens = [token for before, token in pairs if token != "asc" or before == "."]
    return _repetitions_gone(tokens) if tokens.count("union") > 1 else tokens


def _repetitions_gone(tokens: list[str]) -> list[str]:
    """Without each part from UNION to the next that equals the one before it; parentheses hold their own."""
    out: list[str] = []
    part: list[str] = []
    earlier: list[str] = []
    depth = 0
    for token in [*tokens, "union"]:
        depth += (token == "(") - (token == ")")
        if token == "union" and depth <= 0:
            out += part if part != earlier else []
            earlier, part = part, []
        part.append(token)
    return out if depth <= 0 else [*out, *part[:-1]]
