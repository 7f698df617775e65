"""Blocks of PostgreSQL's csvlog and jsonlog: patterns of one record and a block come in, columns of executions go out.

Nearly all records of a log that times every statement say `duration: 0.139 ms  statement: …` and little else. Those become columns
with no work of Python's for each. A block with records that need the ones before them goes record by record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import add, not_

from perfkit.collectors.sqllog.interface import Events, Prepares
from perfkit.collectors.sqllog.postgres_plan_texts import prepared
from perfkit.collectors.sqllog.postgres_records import Conversations, Row

DURATION = rb"duration: (\d{1,12}\.\d{3}) ms  ([sepb])(?:tatement|(?:xecute|arse|ind) [^\":\\]{1,200}): "
"""The message of a `plain` record up to its statement: groups are milliseconds and the step's first letter."""
_NEEDS_ORDER = (b"duration: ", b"statement: ", b"execute ")


@dataclass(frozen=True)
class Patterns:
    """What finds records, and in the last group a line that is none.

    Groups of `plain`: time, session, milliseconds, step, statement, detail, application, any other record as a whole. Groups of
    `whole`: time, session, severity, message, detail, context, statement, application.
    `unescaped` gives texts back as they were before the format escaped them. `repaired` makes a record of a line that only looks
    like none, or leaves it.
    """

    plain: re.Pattern[bytes]
    whole: re.Pattern[bytes]
    unescaped: Callable[[Sequence[bytes]], Sequence[bytes]]
    repaired: Callable[[bytes], bytes] | None = None


def read_block(block: bytes, patterns: Patterns, conversations: Conversations) -> Events:
    """`block` holds whole records. A session is its two groups, one behind the other."""
    events = Events(lines=block.count(b"\n") + (block[-1:] not in (b"\n", b"")))
    first = patterns.whole if conversations.open else patterns.plain
    found = first.findall(block)
    if patterns.repaired is not None and any(row[-1] for row in found):
        block = b"".join(map(patterns.repaired, block.splitlines(keepends=True)))
        found = first.findall(block)
    if not conversations.open:
        rows = _rows(patterns, [patterns.whole.findall(row[7])[0] for row in found if row[7]])
        if not any(row[3].startswith(_NEEDS_ORDER) for row in rows):
            _note_junk(events, found)
            executed = _columns(patterns, [row for row in found if row[3]], events)
            conversations.take(rows, events)
            conversations.expect_plans_of(executed)
            return events
        found = patterns.whole.findall(block)
    _note_junk(events, found)
    conversations.take(_rows(patterns, [row for row in found if row[0]]), events)
    return events


def _note_junk(events: Events, found: list[tuple[bytes, ...]]) -> None:
    junk = [row[-1] for row in found if row[-1] and not row[-1].isspace()]
    events.unparsed, events.examples = len(junk), junk[:3]


def _columns(patterns: Patterns, found: list[tuple[bytes, ...]], events: Events) -> dict[bytes, bytes]:
    """The last text that each session executed by the extended protocol."""
    if not found:
        return {}
    times, sessions, milliseconds, letters, texts, details, applications, *_ = map(list, zip(*found, strict=True))
    sessions = list(map(add, sessions, applications))
    texts = list(patterns.unescaped(texts))
    micros = list(map(int, b" ".join(milliseconds).replace(b".", b"").split()))
    steps = [letter in b"se" for letter in letters]
    if not all(steps):
        prepares = list(map(not_, steps))
        events.prepares = Prepares(*(list(compress(column, prepares)) for column in (texts, micros, times, sessions)))
        columns = (times, sessions, letters, texts, details)
        times, sessions, letters, texts, details = (list(compress(column, steps)) for column in columns)
        micros = list(compress(micros, steps))
    events.texts, events.micros, events.times, events.sessions = texts, micros, times, sessions
    executed = [letter == b"e" for letter in letters]
    latest = dict(zip(compress(sessions, executed), compress(texts, executed), strict=True))
    _details(patterns, details, events)
    return latest


def _details(patterns: Patterns, details: Sequence[bytes], events: Events) -> None:
    given = [at for at, detail in enumerate(details) if detail]
    for at, detail in zip(given, patterns.unescaped([details[at] for at in given]), strict=True):
        if detail[1:12] == b"arameters: ":
            events.parameters[at] = detail[12:]
        elif detail[:9] == b"prepare: ":
            events.texts[at] = prepared(detail) or events.texts[at]


def _rows(patterns: Patterns, found: list[tuple[bytes, ...]]) -> list[Row]:
    if not found:
        return []
    times, sessions, severities, *texts, applications, _ = zip(*found, strict=True)
    messages, details, contexts, statements = map(patterns.unescaped, texts)
    whose = map(add, sessions, applications)
    return list(zip(times, whose, severities, messages, details, contexts, statements, strict=True))
