"""Rows turned into objects by a mapper."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View, place
from perfkit.findings.sql_claims import nearest_uses
from perfkit.findings.sql_uses import deciding, innermost, require_timed
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence, Inside
from perfkit.model.recording import Frame, Stack
from perfkit.shared import sqltext, units
from perfkit.shared.frameworks import short_name
from perfkit.shared.origin import module_path

LEAST: Final = 0.05
LEAST_ROWS: Final = 300
# Fewer rows each come of many statements, which is another cause.
LEAST_ROWS_EACH: Final = 50
_MAKERS: Final[dict[str, frozenset[str]]] = {
    "sqlalchemy/orm/loading.py": frozenset(
        {"_instance", "_populate_full", "_populate_partial", "_validate_version_id", "polymorphic_instance"}
    ),
    "sqlalchemy/orm/identity.py": frozenset({"add", "replace", "get", "__contains__"}),
    "sqlalchemy/orm/instrumentation.py": frozenset({"new_instance", "_new_state_if_none", "manager_of_class"}),
    "django/db/models/query.py": frozenset({"prefetch_one_level", "__iter__"}),
    "django/db/models/base.py": frozenset({"from_db", "__init__"}),
    "django/db/models/sql/compiler.py": frozenset({"results_iter", "apply_converters", "composite_fields_to_tuples"}),
    "django/forms/models.py": frozenset({"model_to_dict"}),
    "peewee.py": frozenset({"process_row", "iterate", "fill_cache", "initialize"}),
}
# Made and sent below the same frames: that is the statement's own work.
_SENDING: Final = frozenset({"execute_sql", "as_sql", "execute", "_execute_context", "compile"})


@dataclass
class Made:
    """What one function makes of rows: sampled stacks, and the statements whose rows they are."""

    claim: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    n: int = 0
    frames: Counter[Frame] = field(default_factory=Counter)
    insides: Counter[Inside] = field(default_factory=Counter)
    uses: dict[int, SpanUse] = field(default_factory=dict)


class OrmHydration:
    """A mapper turns many rows into objects.

    **What it sees.** Samples in the part of SQLAlchemy, Django or peewee that makes objects of rows, with the time that
    reading the rows took, charged to the project's line that asked for them: 5 % and more of the time, with statements
    that give 50 rows and more each, 300 and more in a request.

    **Why it hurts.** An object costs 5 to 50 µs: all its columns are converted, it is registered, and its state is kept.
    10,000 rows take a tenth of a second to half a second of Python, however quick the database is.

    **Before**

        totals = [order.total for order in Order.objects.all()]

    **After**

        totals = list(Order.objects.values_list("total", flat=True))

    **When to ignore it.** The objects' methods are needed, and the number of rows is what users want to see.
    """

    name: ClassVar[str] = "orm-hydration"
    summary: ClassVar[str] = "a mapper turns many rows into objects"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        require_timed(view)
        for made in _made(view).values():
            uses = [use for use in made.uses.values() if use.rows and use.rows >= LEAST_ROWS_EACH * use.count]
            requests = max((use.requests for use in uses), default=0)
            rows = sum(use.rows or 0 for use in uses) / max(1, requests)
            if rows >= LEAST_ROWS:
                yield self._candidate(view, made, uses, rows)

    def _candidate(self, view: View, made: Made, uses: list[SpanUse], rows: float) -> Candidate:
        frame = made.frames.most_common(1)[0][0]
        claim = dict(made.claim)
        for use in uses:
            if use.fetch:
                claim[use.stack] = min(1.0, claim.get(use.stack, 0.0) + use.fetch / use.spent)
        script = view.analysis.kind == "script"
        fetch = sum(use.fetch for use in uses)
        where = place(frame)
        most = max(uses, key=lambda use: use.rows or 0)
        of = next((f" of {table.rpartition('.')[2]}" for table in sqltext.tables(most.text, most.system)), "")
        return Candidate(
            rule=self.name,
            title=f"{units.count(rows)} rows{of} become objects {'in this run' if script else 'in a request'}",
            claim=claim,
            where=where,
            inside=made.insides.most_common(1)[0][0],
            evidence=(
                Evidence(f"{view.observed(made.n)} make objects of rows.", made.n, "samples", n=made.n, where=where),
                Evidence(f"Reading the rows took {units.seconds(fetch)} more.", fetch, "seconds"),
            ),
            advice=Advice(_advice(made.insides.most_common(1)[0][0])),
            saves=(0.3, 0.9),
            confidence=Confidence(
                "high" if made.n >= 30 else "medium", f"{view.observed(made.n)} and {units.count(rows)} counted rows"
            ),
            least=LEAST,
            basis="timed",
        )


def _made(view: View) -> dict[tuple[str, str], Made]:
    """By the function that asked."""
    found: defaultdict[tuple[str, str], Made] = defaultdict(Made)
    for time in view.code:
        frames = view.inner(time)
        at = None if time.timed else innermost(view, frames)
        maker = _maker(frames[at + 1 :]) if at is not None else None
        if at is None or maker is None:
            continue
        asking = frames[deciding(view, frames, at)]
        made = found[asking.file, asking.function]
        made.claim[time.stack] = 1.0
        made.seconds += time.seconds
        made.n += time.n
        made.frames[asking] += time.n
        made.insides[view.inside(maker)] += time.n
        made.uses.update({id(use): use for use in nearest_uses(view, asking, time.endpoint)})
    return found


def _maker(above: Stack) -> Frame | None:
    """The frame that makes objects, where nothing is made and sent above it."""
    found = None
    for frame in above:
        name = short_name(frame.function)
        if frame.origin == "library" and name in _MAKERS.get(module_path(frame.file), ()):
            found = frame
        elif found is not None and name in _SENDING:
            return None
    return found


def _advice(inside: Inside) -> str:
    path = module_path(inside.file)
    if path.startswith("django/"):
        return "`.values_list()` or `.values()` with the columns that are used, `.only(…)` where objects must be, or a page of them"
    if path.startswith("sqlalchemy/"):
        return (
            "select the columns that are used (`select(Order.id, Order.total)`), `load_only(…)` where objects must be, or a "
            "page of them"
        )
    return "`.tuples()` or `.dicts()` with the columns that are used, or a page of them"
