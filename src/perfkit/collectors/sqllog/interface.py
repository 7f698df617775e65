"""What a log format must do: recognise its logs by their first bytes, find where records begin, and turn blocks into columns.

Blocks are megabytes and columns are lists, so that the work is done by a few calls of C for many thousand records. A reader keeps
what it must remember between blocks; blocks come to it in order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

from perfkit.model.sqllog import LoggedPlan, Session

IncidentKind = Literal["lock-wait", "temp-file", "error"]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that happened to a statement beside its execution. `amount` is microseconds of a lock wait, bytes of a file, 1 for
    an error; `what` the error's message, or what was waited for. `text` is empty where the log does not tell the statement."""

    kind: IncidentKind
    text: bytes
    amount: int
    what: str
    time: bytes
    session: bytes


@dataclass(slots=True)
class Prepares:
    """Parse and bind, for formats that log them as records of their own, as parallel columns like those of Events: they add to
    the statement of their text."""

    texts: list[bytes] = field(default_factory=list)
    micros: list[int] = field(default_factory=list)
    times: list[bytes] = field(default_factory=list)
    sessions: list[bytes] = field(default_factory=list)

    def add(self, text: bytes, micros: int, time: bytes, session: bytes) -> None:
        self.texts.append(text)
        self.micros.append(micros)
        self.times.append(time)
        self.sessions.append(session)


@dataclass(slots=True)
class Events:
    """The executions of one block, as parallel columns, and what else was in it.

    `texts` are statements as the log has them (of one record, still with its line breaks); `times` and `sessions` raw pieces of the
    log, for `Reader.epoch` and `Reader.session`: many records share them, so few are ever read. Optional columns are as long as
    `texts`, or empty where the format has none. `parameters` are raw too, `plans` by the event's index.

    `early_plans` are (text, plan) of executions in an earlier block. `waiting` are lock waits that had
    not ended when they were logged: the incident of the same session that ends them takes their place.
    """

    texts: list[bytes] = field(default_factory=list)
    micros: list[int] = field(default_factory=list)
    times: list[bytes] = field(default_factory=list)
    sessions: list[bytes] = field(default_factory=list)
    preparing: list[int] = field(default_factory=list)
    locked: list[int] = field(default_factory=list)
    rows_sent: list[int] = field(default_factory=list)
    rows_examined: list[int] = field(default_factory=list)
    rows_affected: list[int] = field(default_factory=list)
    flags: dict[str, list[int]] = field(default_factory=dict)
    parameters: dict[int, bytes] = field(default_factory=dict)
    plans: dict[int, LoggedPlan] = field(default_factory=dict)
    incidents: list[Incident] = field(default_factory=list)
    prepares: Prepares = field(default_factory=Prepares)
    early_plans: list[tuple[bytes, LoggedPlan]] = field(default_factory=list)
    waiting: list[Incident] = field(default_factory=list)
    lines: int = 0
    unparsed: int = 0
    examples: list[bytes] = field(default_factory=list)


class Reader(Protocol):
    """One log under way. `system` is postgresql, mysql, mariadb or sqlite, or empty until it is known.

    A reader may have more: `begin(block) -> int`, the index of the first record of a block that begins anywhere, -1 for none
    (several processes then share one file), and with it `ordered: bool`, true once a record belonged to one that was not seen
    (then one process reads the file from its start); `minute_length: int` where `minute(time)` is `time[:minute_length]`;
    `remarks: list[str]` for SqlLog. NUL bytes are taken out of blocks before a reader sees them.
    """

    system: str

    def cut(self, block: bytes, last: bool) -> int:
        """The index before which `block` holds whole records; 0 where it ends in the first one. `last`: nothing follows."""

    def read(self, block: bytes) -> Events:
        """The records of a block that begins and ends between records."""

    def finish(self) -> Events:
        """What was still open when the log ended."""

    def epoch(self, time: bytes) -> float | None:
        """Seconds since the epoch of a piece of `Events.times`."""

    def minute(self, time: bytes) -> bytes:
        """The part of such a piece that names its minute: a key under which many events are counted at once."""

    def session(self, session: bytes) -> Session: ...

    def identity(self, session: bytes) -> bytes:
        """The part of such a piece that tells one connection from another; empty where the log cannot."""


class LogFormat(Protocol):
    """`name` is what --log-format takes."""

    name: str

    def fits(self, head: bytes) -> float:
        """The share of the lines of `head` that it understands, 0 to 1."""

    def reader(self, head: bytes, prefix: str | None) -> Reader:
        """Raises PerfkitError where `prefix` (of the command line) does not fit what `head` shows."""
