"""What PostgreSQL's records say together: records come in, in the log's order; executions and incidents go out, each of them once.

The same for every format, so that the same events give the same numbers. What a record alone does not tell:

- Parse and bind of the extended protocol are no executions.
- auto_explain's record repeats a duration. It comes before the statement's own record, or after it (a SELECT of the extended
  protocol); where the statement's own is missing (a higher log_min_duration_statement) it stands for the execution.
  A plan with a CONTEXT is of a statement inside another one, whose time has it already.
- With log_statement, text and duration are two records.
- A wait for a lock is told when it is long and again when it is over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from perfkit.collectors.sqllog.interface import Events, Incident, IncidentKind
from perfkit.collectors.sqllog.postgres_plan_texts import is_of, is_within, prepared, query_of
from perfkit.model.sqllog import LoggedPlan

_ERRORS = frozenset((b"ERROR", b"FATAL", b"PANIC"))
# Sessions with something open; beyond that the oldest are forgotten, so that a log of any length needs little memory.
_MOST_SESSIONS = 4_000
_MOST_PLANS = 100
# Microseconds: a plan's time has the executor's end in it, which comes after the record of the execution.
_FINISHING = 100
_LONGEST = 15  # digits of microseconds: thirty years
_WAIT = re.compile(rb"process \d+ (still waiting for|acquired) (.*) after (\d{1,15})\.(\d{3}) ms", re.DOTALL)
_PLACE = re.compile(rb" at character \d+\Z")  # what only some formats have in the message
_FILE = re.compile(rb"temporary file: path .*, size (\d{1,18})", re.DOTALL)

Row = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]
"""A `Record` as a plain tuple, which is much faster to make."""


class Record(NamedTuple):
    """Raw bytes, empty where the log has none. `session` is what the reader's `session` understands, `statement` the one that
    was under way when something went wrong."""

    time: bytes
    session: bytes
    severity: bytes
    message: bytes
    detail: bytes
    context: bytes
    statement: bytes


class _Plan(NamedTuple):
    time: bytes
    micros: int
    text: bytes


class _Begun(NamedTuple):
    """A statement whose duration comes in a record of its own."""

    text: bytes
    detail: bytes
    executed: bool


class Conversations:
    """The sessions of a log, as far as something of them is open.

    `ordered`: some records said nothing without earlier ones. `open`: the next records may belong to earlier ones.
    """

    def __init__(self) -> None:
        self.ordered = False
        self.open = False
        # Whether statements have had records of their own: then a plan may wait for one.
        self._told = False
        self._bare: dict[bytes, tuple[int, ...]] = {}
        self._begun: dict[bytes, _Begun] = {}
        self._plans: dict[bytes, list[_Plan]] = {}
        # Each session's last execution by the extended protocol: the index in this block, or the text in one before.
        self._executed: dict[bytes, int] = {}
        self._earlier: dict[bytes, bytes] = {}

    def take(self, rows: Iterable[Row], events: Events) -> None:
        """The records of one block."""
        for row in rows:
            time, session, _, message, detail, context, _ = row
            end = message.find(b" ms", 10, 34) if message[:10] == b"duration: " else -1
            digits = _micros(message[10:end]) if end > 0 else b""
            if not digits:
                self._other(events, Record(*row))
                continue
            kind = message[end + 5 : end + 10]
            if kind == b"execu":
                text = message[message.find(b": ", end + 5) + 2 :]
                self._executed[session] = self._add(events, time, session, int(digits), text, detail)
            elif kind == b"state":
                self._executed.pop(session, None)
                self._earlier.pop(session, None)
                self._add(events, time, session, int(digits), message[end + 16 :], detail)
            elif kind == b"parse" or kind == b"bind ":
                events.prepares.add(message[message.find(b": ", end + 5) + 2 :], int(digits), time, session)
            elif kind == b"plan:" and not context:
                self._plan(events, session, _Plan(time, int(digits), message[end + 10 :].lstrip(b"\r\n")))
            elif not kind:
                self._duration(events, time, session, int(digits))
        self._earlier.update((who, events.texts[at]) for who, at in self._executed.items() if at not in events.plans)
        self._executed.clear()
        for sessions in (self._bare, self._begun, self._earlier):
            _forget(sessions)
        for session in list(self._plans)[: max(0, len(self._plans) - _MOST_SESSIONS) if self._told else None]:
            self._settle(events, session, b"", b"")
        # Once there were such records, nearly every block has them.
        self.open = self.open or bool(self._bare or self._begun or self._plans) or bool(events.plans)

    def expect_plans_of(self, executed: dict[bytes, bytes]) -> None:
        """The text that each session executed last, in a block that `take` did not see."""
        self._told = True
        self._earlier.update(executed)
        _forget(self._earlier)

    def finish(self) -> Events:
        """What nothing can follow any more: plans without a record of their statement."""
        events = Events()
        for session in list(self._plans):
            self._settle(events, session, b"", b"")
        return events

    def _add(self, events: Events, time: bytes, session: bytes, micros: int, text: bytes, detail: bytes) -> int:
        plan = self._settle(events, session, text, detail) if self._plans else None
        self._told = True
        at = len(events.texts)
        events.texts.append((prepared(detail) if detail[:9] == b"prepare: " else b"") or text)
        events.micros.append(micros)
        events.times.append(time)
        events.sessions.append(session)
        if detail and detail[1:12] == b"arameters: ":
            events.parameters[at] = detail[12:]
        if plan is not None:
            events.plans[at] = plan
        return at

    def _duration(self, events: Events, time: bytes, session: bytes, micros: int) -> None:
        """A record that says nothing else: of the statement that was begun, or of a step before one."""
        begun = self._begun.pop(session, None)
        if begun is None:
            self._bare[session] = (*self._bare.get(session, ())[-1:], micros)
            self.ordered = True
            return
        at = self._add(events, time, session, micros, begun.text, begun.detail)
        if begun.executed:
            self._executed[session] = at
        else:
            self._executed.pop(session, None)

    def _plan(self, events: Events, session: bytes, plan: _Plan) -> None:
        at = self._executed.get(session)
        if at is not None and at not in events.plans and is_of(plan.text, events.texts[at]):
            if plan.micros <= events.micros[at] + _FINISHING:
                events.plans[at] = _logged(plan)
                return
        elif at is None and (earlier := self._earlier.pop(session, None)) is not None and is_of(plan.text, earlier):
            events.early_plans.append((earlier, _logged(plan)))
            return
        waiting = self._plans.get(session, ())
        if waiting and (
            not self._told or len(waiting) > _MOST_PLANS or query_of(waiting[-1].text) != query_of(plan.text)
        ):
            self._settle(events, session, b"", b"")  # the record of theirs would have come before
        self._plans.setdefault(session, []).append(plan)

    def _settle(self, events: Events, session: bytes, text: bytes, detail: bytes) -> LoggedPlan | None:
        """The plan of the statement whose record this is, of those that waited; the others are executions of their own."""
        names = (text, detail[9:]) if detail[:9] == b"prepare: " else (text,)
        longest: _Plan | None = None
        for plan in self._plans.pop(session, ()):
            if text and any(is_of(plan.text, name) for name in names):
                longest = plan if longest is None or plan.micros > longest.micros else longest
                continue
            if is_within(plan.text, text):
                continue
            self.ordered = True
            events.plans[len(events.texts)] = _logged(plan)
            events.texts.append(query_of(plan.text))
            events.micros.append(plan.micros)
            events.times.append(plan.time)
            events.sessions.append(session)
        return None if longest is None else _logged(longest)

    def _other(self, events: Events, record: Record) -> None:
        session, message = record.session, record.message
        if record.severity in _ERRORS:
            self._bare.pop(session, None)
            self._begun.pop(session, None)
            self._executed.pop(session, None)
            events.incidents.append(_incident("error", record, 1, _PLACE.sub(b"", message)))
        elif record.context and not message.startswith(b"process "):
            return
        elif message.startswith(b"statement: "):
            self._begun[session] = _Begun(message[11:], record.detail, False)
        elif message.startswith(b"execute ") and (colon := message.find(b": ")) > 0:
            self._begun[session] = _Begun(message[colon + 2 :], record.detail, True)
            if session in self._bare:
                events.prepares.add(message[colon + 2 :], sum(self._bare.pop(session)), record.time, session)
        elif (wait := _WAIT.match(message)) is not None:
            incident = _incident("lock-wait", record, int(wait[3] + wait[4]), wait[2])
            (events.incidents if wait[1] == b"acquired" else events.waiting).append(incident)
        elif (file := _FILE.match(message)) is not None:
            events.incidents.append(_incident("temp-file", record, int(file[1]), b""))


def _micros(milliseconds: bytes) -> bytes:
    """Digits of microseconds. PostgreSQL writes three decimals; empty for what is no duration that a server can have measured."""
    whole, dot, part = milliseconds.partition(b".")
    digits = whole + (part if len(part) == 3 else part[:3].ljust(3, b"0"))
    return digits if digits.isdigit() and len(digits) <= _LONGEST and (dot or whole) else b""


def _incident(kind: IncidentKind, record: Record, amount: int, what: bytes) -> Incident:
    return Incident(kind, record.statement, amount, what.decode("utf-8", "replace"), record.time, record.session)


def _logged(plan: _Plan) -> LoggedPlan:
    return LoggedPlan(plan.text.decode("utf-8", "replace"), plan.micros)


def _forget(sessions: dict[bytes, Any]) -> None:
    if len(sessions) > _MOST_SESSIONS:
        for session in list(sessions)[: len(sessions) - _MOST_SESSIONS // 2]:
            del sessions[session]
