"""Explain room: a statement and the plan of a database that names tables by their aliases come in; the plan with the tables goes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from perfkit.explain.scanning import Piece, telling
from perfkit.model.plan import Plan, PlanNode

_BEFORE_TABLES = frozenset({"from", "join", "straight_join", "update", "into", ","})
_NO_ALIAS = frozenset(
    re.findall(
        r"\w+",
        "on using where set join left right inner cross natural straight_join order group having limit union for use force ignore as "
        "partition values select window lock outer full returning except intersect indexed not default",
    )
)


def with_tables(plan: Plan, text: str, system: str) -> Plan:
    """Raises Unclear where the text has no certain reading."""
    return replace(plan, root=_renamed(plan.root, tables_in(telling(text, system))))


def _renamed(node: PlanNode, aliases: Mapping[str, tuple[str | None, str]]) -> PlanNode:
    children = tuple(_renamed(child, aliases) for child in node.children)
    found = aliases.get(node.relation.lower()) if node.relation else None
    if found is None:
        return replace(node, children=children)
    schema, name = found
    return replace(
        node, relation=name, schema=schema, alias=node.relation if node.relation != name else None, children=children
    )


def tables_in(pieces: Sequence[Piece]) -> Mapping[str, tuple[str | None, str]]:
    """Schema and table by what a statement calls them, in lower case."""
    return dict(_aliases(pieces))


def _aliases(pieces: Sequence[Piece]) -> Iterator[tuple[str, tuple[str | None, str]]]:
    for at, piece in enumerate(pieces):
        if piece.says not in _BEFORE_TABLES or at + 1 >= len(pieces) or pieces[at + 1].kind not in ("word", "name"):
            continue
        schema, name, after = None, pieces[at + 1], at + 2
        if after + 1 < len(pieces) and pieces[after].text == ".":
            schema, name, after = _bare(name), pieces[after + 1], after + 2
        if after < len(pieces) and pieces[after].says == "as":
            after += 1
        alias = pieces[after] if after < len(pieces) else None
        if alias is not None and alias.kind in ("word", "name") and alias.says not in _NO_ALIAS:
            yield alias.called, (schema, _bare(name))
        elif piece.says != ",":
            yield name.called, (schema, _bare(name))


def _bare(piece: Piece) -> str:
    return piece.text[1:-1].replace("``", "`") if piece.kind == "name" else piece.text
