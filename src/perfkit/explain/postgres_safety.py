"""Explain room: what PostgreSQL knows of a role and of a statement's functions comes in, reasons not to plan or run it go out.

READ ONLY and ROLLBACK hold rows and sequences. They do not hold programs (COPY … TO PROGRAM), files, advisory locks, or what code in
other languages and extensions does outside of the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perfkit.explain.interface import Refusal
from perfkit.explain.scanning import pieces

FIRST_OWN = 16_384  # FirstNormalObjectId of access/transam.h: what has a lower oid came with the server
_HOLDS = "perfkit may not look into it; explain it without --analyze"
_NODE = re.compile(r"\{([A-Z_]+)")
_FUNCTION = re.compile(r":(?:funcid|opfuncid|hashfuncid|negfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)")
_OPERATOR = re.compile(r":(?:opno|eqop|sortop) (\d+)|:opnos \(o ([\d ]+)\)")
_TYPE = re.compile(r"\{COERCEVIAIO .*?:resulttype (\d+)")
_RELATION = re.compile(r":relid (\d+)")
_COMMAND = re.compile(r":commandType (\d+)")
_REFUSED_NODES = {"NEXTVALUEEXPR": "it takes the next value of a sequence", "CURRENTOFEXPR": "it moves with a cursor"}

ROLE = """
SELECT bool_or(r.rolsuper), current_user,
       (SELECT string_agg(p.rolname, ', ' ORDER BY p.rolname) FROM pg_roles p
        WHERE p.rolname IN ('pg_execute_server_program', 'pg_write_server_files') AND pg_has_role(session_user, p.oid, 'MEMBER')),
       (SELECT string_agg(l.lanname, ', ' ORDER BY l.lanname) FROM pg_language l
        WHERE NOT l.lanpltrusted AND l.lanname NOT IN ('internal', 'c')),
       (SELECT string_agg(e.extname, ', ' ORDER BY e.extname) FROM pg_extension e
        WHERE e.extname IN ('dblink', 'http', 'pg_background', 'plsh', 'pg_cron', 'adminpack', 'plproxy')
           OR e.extname LIKE '%_fdw'),
       (SELECT min(p.oid::regprocedure::text) FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner
        WHERE p.prosecdef AND p.oid >= 16384 AND (o.rolsuper OR EXISTS (
          SELECT FROM pg_roles s WHERE s.rolname IN ('pg_execute_server_program', 'pg_write_server_files')
            AND pg_has_role(o.oid, s.oid, 'MEMBER')))),
       EXISTS (SELECT FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
               WHERE p.oid >= 16384 AND p.provolatile <> 'v' AND l.lanname NOT IN ('internal', 'c'))
FROM pg_roles r WHERE r.rolname IN (current_user, session_user)"""

# Functions of this database that are not volatile, so that the planner may run them, and that are either named in the statement or
# used by an index, a constraint, a default, a policy or the definition of a relation that it reaches; or by an operator, a cast, a type.
RUN_BY_PLANNER = f"""
WITH RECURSIVE reached AS (
  SELECT c.oid FROM pg_class c WHERE lower(c.relname) = ANY(%(names)s)
  UNION
  SELECT further.oid FROM reached r, LATERAL (
    SELECT inhrelid AS oid FROM pg_inherits WHERE inhparent = r.oid
    UNION ALL
    SELECT d.refobjid FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND (
      d.classid = 'pg_rewrite'::regclass AND d.objid IN (SELECT w.oid FROM pg_rewrite w WHERE w.ev_class = r.oid) OR
      d.classid = 'pg_policy'::regclass AND d.objid IN (SELECT y.oid FROM pg_policy y WHERE y.polrelid = r.oid))) further
), used AS (
  SELECT d.refobjid AS function, CASE d.classid
    WHEN 'pg_class'::regclass THEN coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = d.objid), d.objid)
    WHEN 'pg_constraint'::regclass THEN (SELECT nullif(conrelid, 0) FROM pg_constraint WHERE oid = d.objid)
    WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = d.objid)
    WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = d.objid)
    WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = d.objid)
    WHEN 'pg_statistic_ext'::regclass THEN (SELECT stxrelid FROM pg_statistic_ext WHERE oid = d.objid)
    END AS relation
  FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid >= {FIRST_OWN}
)
SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid >= {FIRST_OWN} AND p.provolatile <> 'v' AND l.lanname NOT IN ('internal', 'c')
  AND (lower(p.proname) = ANY(%(names)s) OR EXISTS (
    SELECT FROM used u WHERE u.function = p.oid AND (u.relation IS NULL OR u.relation IN (SELECT oid FROM reached))))
ORDER BY 1 LIMIT 3"""

FUNCTIONS = f"""
WITH operators AS (
  SELECT oprcode::oid AS oid FROM pg_operator WHERE oid = ANY(%(operators)s)
), found AS (
  SELECT unnest(%(functions)s::oid[]) AS oid UNION SELECT oid FROM operators
  UNION SELECT unnest(ARRAY[typinput, typoutput]::oid[]) FROM pg_type WHERE oid = ANY(%(types)s)
), parts AS (
  SELECT oid FROM found
  UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn,
                            aggmfinalfn]::oid[]) FROM pg_aggregate WHERE aggfnoid::oid IN (SELECT oid FROM found)
)
SELECT p.oid::regprocedure::text, p.proname, p.provolatile::text, p.oid >= {FIRST_OWN}, l.lanname, p.prokind::text
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.oid IN (SELECT oid FROM parts) ORDER BY 1"""

RELATIONS = """
WITH RECURSIVE reached AS (
  SELECT unnest(%s::oid[]) AS oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN reached r ON i.inhparent = r.oid
)
SELECT oid::regclass::text, relkind::text FROM pg_class WHERE oid IN (SELECT oid FROM reached) ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Shown:
    """Object ids that a statement's tree refers to."""

    functions: list[int]
    operators: list[int]
    types: list[int]
    relations: list[int]

    def values(self) -> Mapping[str, list[int]]:
        return {"functions": self.functions, "operators": self.operators, "types": self.types}


def powers(role: Sequence[Any]) -> Refusal | None:
    """Why nothing is run for a role: it may do what READ ONLY does not hold. `role` is the row of ROLE."""
    superuser, name, special, *_ = role
    advice = "connect as a role without such rights, or say --i-know"
    if superuser:
        return Refusal(f"the role {name} is a superuser, whom READ ONLY does not keep from programs and files", advice)
    if special:
        return Refusal(f"the role {name} has the rights of {special}, which READ ONLY does not hold", advice)
    return None


def way_out(role: Sequence[Any]) -> str | None:
    """What could carry a function's effects past READ ONLY and ROLLBACK, for that role in that database."""
    superuser, name, special, languages, extensions, definer, functions = role
    if not functions:
        return None
    if superuser:
        return f"{name} is a superuser"
    if special:
        return f"{name} has the rights of {special}"
    if definer:
        return f"{definer} runs with the rights of its owner, a superuser or nearly one"
    return f"the database has {languages or extensions}" if languages or extensions else None


def names_in(text: str) -> list[str]:
    return sorted({piece.called for piece in pieces(text, "postgresql") if piece.kind in ("word", "name")})


def planner_refusal(run: Sequence[Sequence[Any]], escape: str) -> Refusal:
    names = ", ".join(str(row[0]) for row in run)
    return Refusal(
        f"the planner may run {names}, and {escape}, so nothing could hold what that does",
        "connect as a role that is no superuser, or say --i-know",
    )


def shown_by(trees: Sequence[str]) -> Shown | Refusal:
    """What the printed trees of nodes refer to; a Refusal where they show a write, a lock or nothing."""
    if len(trees) != 1:
        return Refusal("the server does not show how it understands the statement", _HOLDS)
    tree = trees[0]
    if set(_COMMAND.findall(tree)) != {"1"}:
        return Refusal("a part of it changes data", "only a SELECT that changes nothing is run")
    if ":hasForUpdate true" in tree or ":hasModifyingCTE true" in tree or "{ROWMARKCLAUSE" in tree:
        return Refusal("it locks the rows that it reads", "only a SELECT that changes nothing is run")
    nodes = set(_NODE.findall(tree))
    for node, why in _REFUSED_NODES.items():
        if node in nodes:
            return Refusal(why, "only a SELECT that changes nothing is run")
    if "COERCETODOMAIN" in nodes:
        return Refusal("it casts to a domain, whose checks may call anything", _HOLDS)
    operators = {int(oid) for one, many in _OPERATOR.findall(tree) for oid in (one, *many.split()) if oid}
    return Shown(
        sorted({int(oid) for oid in _FUNCTION.findall(tree)}),
        sorted(operators),
        sorted({int(oid) for oid in _TYPE.findall(tree)}),
        sorted({int(oid) for oid in _RELATION.findall(tree)}),
    )


def run_refusal(functions: Sequence[Sequence[Any]], relations: Sequence[Sequence[Any]]) -> Refusal | None:
    """`functions` are rows of FUNCTIONS, `relations` of RELATIONS. An aggregate is judged by the functions that make it up."""
    for name, bare, volatile, own, language, kind in functions:
        if volatile == "v":
            return Refusal(f"it calls {name}, which is volatile", "explain it without --analyze")
        if own and kind != "a" and language not in ("internal", "c"):
            return Refusal(f"it calls {name}, a function of this database in {language}", _HOLDS)
        if not own and "_to_xml" in bare:
            return Refusal(f"it calls {name}, which runs a statement of its own", _HOLDS)
    for name, kind in relations:
        if kind == "f":
            return Refusal(f"{name} is a foreign table", "explain it without --analyze, or on its own server")
    return None
