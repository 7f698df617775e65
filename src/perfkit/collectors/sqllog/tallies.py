"""All executions of one statement, counted: columns of a block come in, a Digest goes out. Tallies of parts of a log add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from perfkit.collectors.sqllog.options import LogOptions
from perfkit.model.distribution import Distribution
from perfkit.model.sqllog import Digest, Histogram, LoggedPlan, Session, Worst, earlier, later
from perfkit.shared import redact
from perfkit.shared.sqltext import verb
from perfkit.shared.sqltitles import shortened

MOST_VALUES = 1000
_MOST_PENDING = 8192
_QUERIES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES", "WITH", "TABLE"})
_MOST_MINUTES = 512
_LONGEST_SAMPLE = 100_000  # characters of a statement that is shown

Slowest = tuple[int, float, bytes, Session, bytes]
"""Microseconds, the time (-1 for none), text, session and raw parameters: of two, the larger is the worst."""


@dataclass(slots=True)
class Tally:
    """`sums` and `largest` are of optional columns by their names; `minutes` executions and microseconds by minute."""

    fingerprint: str
    prepared: bool
    time: Distribution = field(default_factory=Distribution)
    pending: list[int] = field(default_factory=list)
    preparing: int = 0
    sums: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    largest: int = 0
    sessions: Counter[Session] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    minutes: dict[int, list[int]] = field(default_factory=dict)
    over_time: Histogram = field(default_factory=Histogram)
    first: float | None = None
    last: float | None = None
    values: set[int] = field(default_factory=set)
    worst: Slowest | None = None
    plan: LoggedPlan | None = None
    incidents: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, micros: Sequence[int], minute: int | None) -> None:
        pending = self.pending
        pending += micros
        if len(pending) > _MOST_PENDING:
            self.time.add(pending)
            self.pending = []
        if minute is not None:
            self._minute(minute, len(micros), sum(micros))

    def _minute(self, minute: int, count: int, micros: int) -> None:
        found = self.minutes.get(minute)
        if found is None:
            if len(self.minutes) > _MOST_MINUTES:
                self.settle()
            self.minutes[minute] = [count, micros]
        else:
            found[0] += count
            found[1] += micros

    def settle(self) -> None:
        self.time.add(self.pending)
        self.pending = []
        for minute, (count, micros) in self.minutes.items():
            self.over_time.add(minute, count, micros)
        self.minutes.clear()

    def add_plan(self, plan: LoggedPlan) -> None:
        if self.plan is None or (plan.micros, plan.text) > (self.plan.micros, self.plan.text):
            self.plan = plan

    def span(self, first: float | None, last: float | None) -> None:
        self.first, self.last = earlier(self.first, first), later(self.last, last)

    def merge(self, other: Tally) -> None:
        other.settle()
        self.settle()
        self.time.merge(other.time)
        self.over_time.merge(other.over_time)
        self.preparing += other.preparing
        self.largest = max(self.largest, other.largest)
        self.seen |= other.seen
        for name in ("sums", "sessions", "tags", "incidents", "errors"):
            getattr(self, name).update(getattr(other, name))
        if len(self.values) < MOST_VALUES:
            self.values |= other.values
        self.span(other.first, other.last)
        if other.worst is not None and (self.worst is None or _order(other.worst) > _order(self.worst)):
            self.worst = other.worst
        if other.plan is not None:
            self.add_plan(other.plan)

    def slower(self, slowest: Slowest) -> None:
        if self.worst is None or _order(slowest) > _order(self.worst):
            self.worst = slowest

    def digest(self, system: str, options: LogOptions) -> Digest:
        self.settle()
        self.time.values.sort()
        digest = Digest(self.fingerprint, system, self.time, self.preparing if self.time.count else 0)
        for name in ("locked", "rows_sent", "rows_examined", "rows_affected"):
            if name in self.seen:
                setattr(digest, name, self.sums[name])
        digest.most_examined = self.largest if "rows_examined" in self.seen else None
        digest.first, digest.last, digest.over_time = self.first, self.last, self.over_time
        for session, count in self.sessions.items():
            for name in ("user", "database", "application", "host"):
                if value := getattr(session, name):
                    getattr(digest, f"{name}s")[value] += count
        digest.flags.update(
            {name[5:]: count for name, count in self.sums.items() if name.startswith("flag ") and count}
        )
        digest.tags, digest.errors, digest.plan = self.tags, self.errors, self.plan
        digest.values = min(len(self.values), MOST_VALUES)
        digest.prepared = self.time.count if self.prepared else 0
        digest.lock_waits, digest.lock_wait_micros = self.incidents["lock-wait"], self.incidents["lock-wait amount"]
        digest.temp_files, digest.temp_bytes = self.incidents["temp-file"], self.incidents["temp-file amount"]
        digest.worst = _worst(self.worst, self.fingerprint, system, options) if self.worst else None
        return digest


def _order(slowest: Slowest) -> tuple[Any, ...]:
    micros, at, text, session, parameters = slowest
    return micros, at, text, (session.user, session.database, session.application, session.host), parameters


def _worst(slowest: Slowest, fingerprint: str, system: str, options: LogOptions) -> Worst:
    micros, at, raw, session, parameters = slowest
    text = raw.decode("utf-8", "replace")[:_LONGEST_SAMPLE]
    if options.keep_literals:
        shown, given = redact.text(text), parameter_values(parameters)
    else:
        # In SET, EXECUTE and the like values stand without quotes, as names do.
        plain = verb(text, system) in _QUERIES
        shown, given = (shortened(text, _LONGEST_SAMPLE, system) if plain else fingerprint), ()
    return Worst(shown, micros, None if at < 0 else at, session, given)


def parameter_values(raw: bytes) -> tuple[str | None, ...]:
    """Of `$1 = 'x', $2 = NULL`, as PostgreSQL writes them in DETAIL; a value that was cut off ends in `...`."""
    values: list[str | None] = []
    text, at = raw.decode("utf-8", "replace"), 0
    while text.startswith(f"${len(values) + 1} = ", at):
        at += len(f"${len(values) + 1} = ")
        if text.startswith("NULL", at):
            values.append(None)
            at += 4
        elif text.startswith("'", at):
            end = at + 1
            while (end := text.find("'", end)) >= 0 and text.startswith("'", end + 1):
                end += 2
            if end < 0:
                break
            values.append(text[at + 1 : end].replace("''", "'"))
            at = end + 1
        else:
            break
        at += 2
    return tuple(values)
