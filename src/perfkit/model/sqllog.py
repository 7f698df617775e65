"""What a database's log says: one Digest a statement, mergeable, and what is known of the log itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from perfkit.model.distribution import Distribution

MOST_BUCKETS = 240


@dataclass(frozen=True, slots=True)
class Session:
    """Who ran a statement, as far as the log says; empty where it does not."""

    user: str = ""
    database: str = ""
    application: str = ""
    host: str = ""


@dataclass(slots=True)
class Histogram:
    """Executions over time: `counts` by the number of the bucket since the epoch, each `width` seconds (60 × 2ⁿ) wide."""

    width: int = 60
    counts: dict[int, int] = field(default_factory=dict)
    micros: dict[int, int] = field(default_factory=dict)

    def add(self, minute: int, count: int, micros: int) -> None:
        """`minute` is minutes since the epoch."""
        bucket = minute * 60 // self.width
        self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.micros[bucket] = self.micros.get(bucket, 0) + micros
        self._widen(self.width)

    def merge(self, other: Histogram) -> None:
        self._widen(other.width)
        for bucket, count in other.counts.items():
            at = bucket * other.width // self.width
            self.counts[at] = self.counts.get(at, 0) + count
            self.micros[at] = self.micros.get(at, 0) + other.micros.get(bucket, 0)
        self._widen(self.width)

    def _widen(self, least: int) -> None:
        """To `least` seconds a bucket, and on until what lies between the first and the last fits."""
        while self.width < least or (self.counts and max(self.counts) - min(self.counts) >= MOST_BUCKETS):
            self.width *= 2
            for column in (self.counts, self.micros):
                halved: Counter[int] = Counter()
                for bucket, value in column.items():
                    halved[bucket // 2] += value
                column.clear()
                column.update(halved)


@dataclass(frozen=True, slots=True)
class Worst:
    """The slowest execution. `text` is as it was logged, or without its values; `parameters` ($1 first) only where literals are
    kept. `at` is seconds since the epoch, None where the log has no time."""

    text: str
    micros: int
    at: float | None
    session: Session
    parameters: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedPlan:
    """A plan that the server logged with an execution: text or JSON, as it stood there."""

    text: str
    micros: int


@dataclass(slots=True)
class Repeats:
    """Runs of a statement in one session, with ever other values and nothing else in between, after another statement.

    `parents` are the fingerprints that came just before, by how many runs they led to.
    """

    runs: int = 0
    executions: int = 0
    micros: int = 0
    longest: int = 0
    parents: Counter[str] = field(default_factory=Counter)

    def merge(self, other: Repeats) -> None:
        self.runs += other.runs
        self.executions += other.executions
        self.micros += other.micros
        self.longest = max(self.longest, other.longest)
        self.parents.update(other.parents)


@dataclass(slots=True)
class Digest:
    """All executions of one fingerprint in a log. Microseconds and rows are whole numbers; `first` and `last` seconds since the
    epoch. None means that the log does not say.

    `preparing` is parse and bind of the extended protocol, beside `time`. `values` counts the different texts that lead to this
    fingerprint, as far as they were counted; `prepared` the executions with parameters of the protocol. `flags` are executions
    by what the server said of them: full_scan, full_join, tmp_table_on_disk, filesort_on_disk, no_index_used.
    """

    fingerprint: str
    system: str
    time: Distribution = field(default_factory=Distribution)
    preparing: int = 0
    locked: int | None = None
    rows_sent: int | None = None
    rows_examined: int | None = None
    rows_affected: int | None = None
    most_examined: int | None = None
    first: float | None = None
    last: float | None = None
    users: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    applications: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    over_time: Histogram = field(default_factory=Histogram)
    worst: Worst | None = None
    plan: LoggedPlan | None = None
    repeats: Repeats = field(default_factory=Repeats)
    values: int | None = None
    prepared: int = 0
    lock_waits: int = 0
    lock_wait_micros: int = 0
    temp_files: int = 0
    temp_bytes: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def merge(self, other: Digest) -> None:
        """Add what another log, or another part of this one, has of the same fingerprint."""
        self.time.merge(other.time)
        for name in ("preparing", "prepared", "lock_waits", "lock_wait_micros", "temp_files", "temp_bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("locked", "rows_sent", "rows_examined", "rows_affected", "values"):
            setattr(self, name, _sum(getattr(self, name), getattr(other, name)))
        for name in ("users", "databases", "applications", "hosts", "tags", "flags", "errors"):
            getattr(self, name).update(getattr(other, name))
        self.most_examined = _largest(self.most_examined, other.most_examined)
        self.first, self.last = earlier(self.first, other.first), later(self.last, other.last)
        self.over_time.merge(other.over_time)
        self.repeats.merge(other.repeats)
        if other.worst is not None and (self.worst is None or other.worst.micros > self.worst.micros):
            self.worst = other.worst
        if other.plan is not None and (self.plan is None or other.plan.micros > self.plan.micros):
            self.plan = other.plan


@dataclass(slots=True)
class SqlLog:
    """A log, or several, read to the end. `digests` by fingerprint. `events` are executions with a time, all of which are in
    `digests`; `unparsed` lines belong to nothing that the format knows, `examples` are the first three of them.

    `files` are (name, bytes as they lie on disk). `filtered` events were left out on request. `remarks` are sentences for
    the reader about what the log leaves open.
    """

    system: str
    formats: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    digests: dict[str, Digest] = field(default_factory=dict)
    events: int = 0
    lines: int = 0
    unparsed: int = 0
    examples: tuple[str, ...] = ()
    filtered: int = 0
    first: float | None = None
    last: float | None = None
    over_time: Histogram = field(default_factory=Histogram)
    errors: Counter[str] = field(default_factory=Counter)
    remarks: tuple[str, ...] = ()

    @property
    def micros(self) -> int:
        return sum(digest.time.total for digest in self.digests.values())

    def merge(self, other: SqlLog) -> None:
        for fingerprint, digest in other.digests.items():
            if fingerprint in self.digests:
                self.digests[fingerprint].merge(digest)
            else:
                self.digests[fingerprint] = digest
        for name in ("events", "lines", "unparsed", "filtered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.system = self.system or other.system
        self.formats = tuple(dict.fromkeys((*self.formats, *other.formats)))
        self.files = (*self.files, *other.files)
        self.examples = (*self.examples, *other.examples)[:3]
        self.remarks = tuple(dict.fromkeys((*self.remarks, *other.remarks)))
        self.first, self.last = earlier(self.first, other.first), later(self.last, other.last)
        self.over_time.merge(other.over_time)
        self.errors.update(other.errors)


def earlier(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


def later(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _largest(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
