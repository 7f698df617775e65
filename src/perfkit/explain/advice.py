"""Explain room: a plan comes in, the same plan with the one or two indexes that would help, and what its tables' indexes are worth,
goes out. No index is made and nothing is executed: the advice is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from perfkit.explain import advice_trial, advice_words, indexcatalog, indexes
from perfkit.explain.advice_keys import Keys
from perfkit.explain.advice_scans import LEAST_ROWS, MOST_KEPT, Known, Scan, scans, use_of, uses_of_plan
from perfkit.explain.advice_trial import Trial, Tried
from perfkit.explain.advice_wanted import Candidate, candidates, either
from perfkit.explain.advice_whynot import why_not
from perfkit.explain.indexnames import qualified, quoted
from perfkit.explain.interface import Column, Database, ServerGone, Statement, Table
from perfkit.model.plan import IndexAdvice, Plan
from perfkit.shared.sqlpredicates import TableUse, predicates

MOST: Final = 2
# An index has to take a fifth off the planner's cost, and one more beside it a fifth off what is left: below that hypothetical
# indexes, whose depth and visibility are guessed, promise what real ones do not always keep.
LEAST_GAIN: Final = 0.2
_MOST_TRIALS: Final = 20
_SAMPLE: Final = 1000
Group = tuple[Candidate, ...]
_COMPARED = frozenset({"equal", "in"})
_COLLATION = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
_ROOT = """
SELECT m.nspname, p.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class p ON p.oid = pg_partition_root(c.oid) JOIN pg_namespace m ON m.oid = p.relnamespace
WHERE c.relispartition AND c.relname = %s AND n.nspname = %s"""
_LIVE = "SELECT n_live_tup FROM pg_stat_all_tables WHERE relname = %s AND schemaname = %s"
_STALE = """
SELECT c.reltuples < 0 OR s.n_mod_since_analyze > 0.2 * greatest(s.n_live_tup, 1), s.n_mod_since_analyze, s.n_live_tup
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.relname = %s AND n.nspname = %s AND greatest(s.n_live_tup, s.n_mod_since_analyze) >= 1000"""


def advised(database: Database, statement: Statement, plan: Plan) -> Plan:
    """Never raises: where the server goes away in the middle, or says no, the plan stays as it was, with a remark."""
    try:
        return _advised(database, statement, plan)
    except ServerGone as reason:
        return replace(
            plan, remarks=(*plan.remarks, f"no index could be looked for: the server ended the connection: {reason}")
        )


def _advised(database: Database, statement: Statement, plan: Plan) -> Plan:
    uses = predicates(statement.text, database.system)
    uses = (*uses, *uses_of_plan(plan))
    known = _known(database, plan, uses)
    if any(not use.alone for use in uses):  # now that columns are known, those without a table in front find theirs
        columns = {
            about.table.name.lower(): [column.name for column in about.table.columns] for about in known.values()
        }
        uses = (*predicates(statement.text, database.system, columns), *uses_of_plan(plan))
    known = {name: _sampled(database, about, uses) for name, about in known.items()}
    rows = {name: about.rows for name, about in known.items() if about.rows is not None}
    plan = replace(plan, tables={**plan.tables, **rows})
    found = list(scans(plan, uses, known))
    age = indexcatalog.age(database) if known else None
    wanted = _grouped(candidate for scan in found for candidate in candidates(scan))
    with advice_trial.trial(database, statement, plan) as (trial, merit):
        advice = _tried(trial, plan, wanted, merit, age) if trial else _untried(wanted, age)
        if trial and not advice:
            advice = _together(trial, plan, found, merit, age)
    details = tuple({about.table.name: about.details for about in known.values()}.values())
    return replace(
        plan,
        advice=tuple(advice),
        redundant=tuple(one for some in details for one in indexes.redundant(some, database.system)),
        remarks=tuple(dict.fromkeys((*plan.remarks, *_remarks(database, found, details, age, bool(advice))))),
    )


def _grouped(found: Iterable[Candidate]) -> list[Group]:
    """Those that one CREATE INDEX would make: one a table, or one for each partition that is read."""
    groups: dict[tuple[object, ...], dict[str, Candidate]] = {}
    for candidate in found:
        groups.setdefault(candidate.same, {}).setdefault(candidate.scan.known.table.name, candidate)
    return [tuple(group.values()) for group in groups.values()][:_MOST_TRIALS]


def _known(database: Database, plan: Plan, uses: Sequence[TableUse]) -> dict[str, Known]:
    """The tables of the plan, under the names that its nodes have for them."""
    found: dict[str, Known] = {}
    like = database.system == "postgresql" and _like_needs_class(database)
    for _, node in plan.root.walk():
        if node.relation is None or node.relation in found:
            continue
        use = use_of(node, uses, database.system)
        name = use.table if use and database.system != "postgresql" else node.relation
        schema = node.schema or (use.schema if use else None) or None
        table = database.table(name, schema)
        if table is None:
            continue
        if table.rows is None and database.system == "postgresql":
            table = replace(table, rows=_written_rows(database, table))
        details = indexcatalog.details(database, name, schema)
        root = database.rows(_ROOT, (table.name, table.schema)) if database.system == "postgresql" else []
        about = Known(
            table, details, database.system, database.version, like, (root[0][0], root[0][1]) if root else None
        )
        found[node.relation] = about
    return found


def _like_needs_class(database: Database) -> bool:
    found = database.rows(_COLLATION)
    return not found or str(found[0][0]) not in ("C", "POSIX")


def _written_rows(database: Database, table: Table) -> int | None:
    """Of a table that was never analysed: by the server's count of writes."""
    found = database.rows(_LIVE, (table.name, table.schema))
    return int(found[0][0]) if found and found[0][0] else None


def _sampled(database: Database, known: Known, uses: Sequence[TableUse]) -> Known:
    """Where statistics do not tell how many values a compared column has, its first 1,000 rows do, roughly; only how many, no
    value is read from them. PostgreSQL has statistics of its own."""
    if database.system == "postgresql" or not known.rows:
        return known
    compared = {
        column.lower()
        for use in uses
        if use.table.lower() == known.table.name.lower()
        for column in (
            *(one.column for one in use.comparisons if one.kind in _COMPARED and not one.expression),
            *(join.column for join in use.joins),
        )
    }
    columns = tuple(
        replace(column, distinct=_distinct(database, known, column))
        if column.distinct is None and column.name.lower() in compared
        else column
        for column in known.table.columns
    )
    return replace(known, table=replace(known.table, columns=columns))


def _distinct(database: Database, known: Known, column: Column) -> float | None:
    name = quoted(column.name, database.system)
    table = qualified(known.table.name, known.table.schema, database.system)
    found = database.rows(
        f"SELECT count(DISTINCT c), count(*) FROM (SELECT {name} AS c FROM {table} LIMIT {_SAMPLE}) AS s"
    )
    if not found or not found[0][1]:
        return None
    different, seen = found[0][0], found[0][1]
    return float(different) if different < seen / 10 else (known.rows or seen) * different / seen


@dataclass(frozen=True, slots=True)
class _Choice:
    group: Group
    tried: Tried
    before: float | None


def _tried(trial: Trial, plan: Plan, wanted: Sequence[Group], merit: float, age: float | None) -> list[IndexAdvice]:
    """The best by the planner, and one on another table that helps beside it."""
    first = _best(trial, plan.root.cost, merit, (), wanted)
    if first is None:
        return []
    advice = [_advice(first, trial.name, age)]
    table = first.group[0].scan.known.name
    others = [group for group in wanted if group[0].scan.known.name != table]
    second = _best(trial, first.tried.cost, first.tried.merit, first.group, others)
    return [*advice, _advice(second, trial.name, age)] if second else advice


def _together(trial: Trial, plan: Plan, found: Sequence[Scan], merit: float, age: float | None) -> list[IndexAdvice]:
    """Two indexes that answer an OR only together."""
    for pair in (pair for scan in found for pair in either(scan)):
        tried = trial.of(pair)
        if tried is not None and tried.used == len(pair) and _gains(tried, plan.root.cost, merit):
            sizes = tried.bytes or (None,) * len(pair)
            each = [replace(tried, bytes=(size,)) for size in sizes]
            return [
                _advice(_Choice((one,), its, plan.root.cost), trial.name, age)
                for one, its in zip(pair, each, strict=True)
            ]
    return []


def _gains(tried: Tried, before: float | None, merit: float) -> bool:
    if before is not None and tried.cost is not None:
        return tried.cost <= before * (1 - LEAST_GAIN)
    return tried.merit > merit


def _best(trial: Trial, before: float | None, merit: float, beside: Group, wanted: Sequence[Group]) -> _Choice | None:
    """Of nearly equal ones the smaller index; one that carries columns has to save a third more."""
    best: tuple[float, _Choice] | None = None
    for group in wanted:
        tried = trial.of((*beside, *group))
        if tried is None or tried.used <= len(beside) or not _gains(tried, before, merit):
            continue
        if tried.cost is not None:
            price = (tried.cost + 1.0) * (1 + 0.02 * len(group[0].keys)) * (1.5 if group[0].include else 1.0)
        else:
            price = 0.1 * len(group[0].keys) - tried.merit
        if best is None or price < best[0]:
            best = price, _Choice(group, tried, before)
    return best[1] if best else None


def _untried(wanted: Sequence[Group], age: float | None) -> list[IndexAdvice]:
    """Nothing can ask the planner: the likeliest one of each table, of those that need no proof."""
    best: dict[str, Group] = {}
    for group in wanted:
        name = group[0].scan.known.name
        if not _needs_proof(group[0]) and (name not in best or group[0].likely > best[name][0].likely):
            best[name] = group
    chosen = sorted(best.values(), key=lambda group: -sum(one.scan.examined for one in group))[:MOST]
    return [_advice(_Choice(group, Tried(0, None), None), None, age) for group in chosen]


def _needs_proof(candidate: Candidate) -> bool:
    """Whether it may well not help: by a join where nothing shows that the table is read again and again, by a function that may
    depend on settings, by carrying columns, or for a condition of which nobody knows how many rows it keeps."""
    scan = candidate.scan
    keys = Keys(scan.use, scan.known.table, scan.known.system, scan.known.version, scan.known.like_needs_class)
    if candidate.include or candidate.likely < 1 or not all(keys.is_steady(key) for key in candidate.keys):
        return True
    first = candidate.keys[0].text
    if not scan.whole and scan.examined / max(1.0, scan.node.loops) < LEAST_ROWS:
        return True
    if any(join.column == first for join in scan.use.joins) and not any(
        key.text == first for key in (*keys.equal, *keys.lists)
    ):
        inner = any(step > 0 for step in scan.path) and scan.known.system in ("mysql", "mariadb")
        return not (inner or (scan.counted and scan.node.loops >= 10))
    return scan.share is not None and scan.share > MOST_KEPT and not scan.use.limited


def _advice(choice: _Choice, verified: str | None, age: float | None) -> IndexAdvice:
    candidate = choice.group[0]
    scan = candidate.scan
    tried = choice.tried.bytes[-len(choice.group) :] or (None,)
    sizes = [advice_words.size(one) for one in choice.group] if None in tried else list(tried)
    kept = [size for size in sizes if size is not None]
    unlike = scan.known.root is not None or any(key.special for key in candidate.keys)
    return IndexAdvice(
        table=scan.known.name,
        columns=candidate.columns,
        ddl=advice_words.ddl(candidate),
        reason=advice_words.reason(candidate),
        verified=verified,
        cost_before=choice.before if choice.tried.cost is not None else None,
        cost_after=choice.tried.cost,
        bytes=sum(kept) if len(kept) == len(sizes) else None,
        writes=advice_words.writes(scan, age),
        replaces=() if unlike else indexes.made_redundant(scan.known.details, candidate.columns, candidate.where),
        node=scan.path,
    )


def _remarks(
    database: Database,
    found: Sequence[Scan],
    details: Sequence[Sequence[indexes.Detail]],
    age: float | None,
    helped: bool,
) -> Iterator[str]:
    if not helped:
        for scan in found:
            yield from why_not(scan)
            yield from _stale(database, scan)
    for some in details:
        yield from indexes.remarks(some, age, database.system)


def _stale(database: Database, scan: Scan) -> Iterator[str]:
    """Statistics that are old enough to mislead the planner: none, or more than a fifth of the rows changed since."""
    table = scan.known.table
    if database.system != "postgresql":
        return
    rows: Sequence[Sequence[object]] = database.rows(_STALE, (table.name, table.schema))
    if rows and rows[0][0]:
        yield f"the statistics of {table.name} are old: {rows[0][1]:,} rows changed since the last ANALYZE, {rows[0][2]:,} are there. Run ANALYZE and look again."
