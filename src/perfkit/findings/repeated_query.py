"""The same question asked again: within one request, or by nearly all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Final

from perfkit.findings.interface import Candidate, View
from perfkit.findings.sql_claims import claim_of
from perfkit.findings.sql_loops import read_loops
from perfkit.findings.sql_source import sleeps_around
from perfkit.findings.sql_uses import Group, groups, library, require_timed
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.shared import sqltext, units
from perfkit.shared.frameworks import is_plumbing

LEAST_SCRIPT: Final = 20
FEW: Final = 3
NEARLY_ALL: Final = 0.8
# Equal questions whose answers differ, or that are asked for their effect.
_CHANGING = re.compile(
    r"\bfor (?:no key )?(?:update|share)\b|nextval|currval|lastval|random\s*\(|rand\s*\(|uuid|last_insert|changes\s*\("
    r"|\bnow\s*\(|current_timestamp|advisory|get_lock|sleep\s*\(|notify",
    re.IGNORECASE,
)
# Under load from one client these are asked for the same key in all requests; in production they are not.
_PERSONAL = re.compile(r"session|user|account|token|auth|permission|profile", re.IGNORECASE)


class RepeatedQuery:
    """The same statement runs again with the same parameters.

    **What it sees.** A SELECT at one place whose parameters the same request has used before, in most of the requests that
    run it more than once; the cost is that of the repetitions. Across requests: one that nearly every request of
    several endpoints asks with the same few parameters, at 5 % and more of the time.

    **Why it hurts.** The answer is known already. Each repetition costs a round trip and the Python around it.

    **Before**

        def price(item):
            return item.amount * rate("EUR")         # SELECT … for each item

    **After**

        eur = rate("EUR")
        total = sum(item.amount * eur for item in items)

    **When to ignore it.** The row may change in between, and the newest value matters.
    """

    name: ClassVar[str] = "repeated-query"
    summary: ClassVar[str] = "the same statement runs again with the same parameters"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        require_timed(view)
        in_loops = {id(group) for loop in read_loops(view) for group in loop.groups}
        written = {group.table for group in groups(view) if group.is_write()}
        for group in groups(view):
            if id(group) in in_loops or not group.table or not group.is_read() or _CHANGING.search(group.text):
                continue
            if _repeats(view, group, group.table in written):
                yield self._within(view, group, group.table in written)
            elif _asked_by_all(view, group) and group.table not in written:
                yield self._across(view, group)

    def _within(self, view: View, group: Group, written: bool) -> Candidate:
        script = view.analysis.kind == "script"
        requests, executions = group.looped(2)
        times = (group.count if script else executions / requests) if requests else group.per_request
        said = f"{units.count(times)} times {'in this run' if script else 'in a request'}"
        parameters = "parameters" if "?" in group.text else "text"
        return Candidate(
            rule=self.name,
            title=f"The same query of {group.table} runs {said}",
            claim=claim_of(view, group.uses, group.repeats / group.count),
            where=group.place,
            evidence=(
                Evidence(
                    f"{units.count(group.repeats)} of {units.count(group.count)} executions have {parameters} that "
                    f"{'this run' if script else 'the request'} has used before.",
                    group.repeats,
                    "executions",
                    n=group.count,
                    where=group.place,
                ),
                _statement(group),
            ),
            advice=Advice(_advice(view, group)),
            saves=(0.8, 1.0),
            confidence=Confidence("medium", "the table is also written to, so that answers may differ")
            if written
            else Confidence("certain", f"{units.count(group.repeats)} repetitions were counted"),
            basis="counted",
        )

    def _across(self, view: View, group: Group) -> Candidate:
        requests = units.count(group.requests)
        return Candidate(
            rule=self.name,
            title=f"The same query of {group.table} runs in nearly every request",
            claim=claim_of(view, group.uses),
            where=group.place,
            evidence=(
                Evidence(
                    f"{requests} of {units.count(view.analysis.requests or 0)} requests of "
                    f"{units.plural(len(_endpoints(group)), 'endpoint')} ask it, with {units.plural(_distinct(group), 'set')} of "
                    "parameters.",
                    group.requests,
                    "requests",
                    n=group.requests,
                    where=group.place,
                ),
                _statement(group),
            ),
            advice=Advice("if the answer may be some seconds old, keep it: a cache with a time limit in each process"),
            saves=(0.5, 0.99),
            confidence=Confidence("low", "whether the answer may be some seconds old is not known"),
            least=0.05,
            basis="counted",
            informative=True,
        )


def _statement(group: Group) -> Evidence:
    mean = group.seconds / max(1, group.count)
    return Evidence(f"{group.shown()} takes {units.seconds(mean)} each.", mean, "seconds", n=group.count)


def _repeats(view: View, group: Group, written: bool) -> bool:
    """Whether half of the executions were known already, in most of the requests that run it more than once."""
    if view.analysis.kind == "script":
        often = group.repeats >= LEAST_SCRIPT and group.repeats >= 0.8 * group.count
        return often and not written and not sleeps_around(view, group.main)
    if written and group.per_request < FEW:
        return False  # read, written and read again
    return group.repeats >= 0.5 * group.requests and group.repeats >= 0.4 * group.count


def _asked_by_all(view: View, group: Group) -> bool:
    requests = view.analysis.requests or 0
    return (
        view.analysis.kind == "server"
        and requests >= 20
        and group.requests >= NEARLY_ALL * requests
        and len(_endpoints(group)) > 1
        and 0 < _distinct(group) <= FEW
        and not _PERSONAL.search(group.table)
    )


def _distinct(group: Group) -> int:
    """At most so many different sets of parameters on one endpoint; 0 where they are not known."""
    known = [use.distinct for use in group.uses]
    return max(known, default=0) if None not in known else 0  # type: ignore[type-var,return-value]


def _endpoints(group: Group) -> set[str | None]:
    return {use.endpoint for use in group.uses}


def _advice(view: View, group: Group) -> str:
    own = group.where is not None and not is_plumbing(view.distribution(group.where)[0])
    function = f"{group.where.function.rpartition('.')[2]}()" if group.where is not None and own else "the caller"
    verb = sqltext.verb(group.text, group.system)
    kept = "keep the row" if verb == "SELECT" else "keep the answer"
    if library(view, group) == "django":
        return f"ask once and hand the object on, or {kept} for the request (`cached_property`, an attribute of the request)"
    if library(view, group) == "sqlalchemy":
        return (
            f"ask once and hand the object on; `session.get(…)` answers from the session where {function} asks by key"
        )
    return f"call {function} once and hand the result on, or {kept} for the request (Flask: `g`, else a dict)"
