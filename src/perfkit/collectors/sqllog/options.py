"""What of a log is asked for: options come in with the events of a block, the events that are wanted go out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import compress
from typing import Any

from perfkit.collectors.sqllog.interface import Events, Incident, Prepares, Reader
from perfkit.model.sqllog import Session


@dataclass(frozen=True, slots=True)
class LogOptions:
    """`format` and `prefix` are None where the log tells them. Times are seconds since the epoch, `until` not included; names
    match whole, no names match all. `jobs` is processes."""

    format: str | None = None
    prefix: str | None = None
    since: float | None = None
    until: float | None = None
    users: frozenset[str] = frozenset()
    databases: frozenset[str] = frozenset()
    applications: frozenset[str] = frozenset()
    jobs: int = 1
    keep_literals: bool = False

    @property
    def filters(self) -> bool:
        times = (self.since, self.until)
        return times != (None, None) or bool(self.users or self.databases or self.applications)

    def wants(self, at: float | None, session: Session) -> bool:
        """An event without a time is in no interval."""
        if self.since is not None and (at is None or at < self.since):
            return False
        if self.until is not None and (at is None or at >= self.until):
            return False
        pairs = (
            (self.users, session.user),
            (self.databases, session.database),
            (self.applications, session.application),
        )
        return all(not names or name in names for names, name in pairs)


_COLUMNS = (
    "texts",
    "micros",
    "times",
    "sessions",
    "preparing",
    "locked",
    "rows_sent",
    "rows_examined",
    "rows_affected",
)


def wanted(events: Events, reader: Reader, options: LogOptions) -> tuple[Events, int]:
    """The events that the options ask for, and how many were left out."""
    sessions = {raw: reader.session(raw) for raw in set(events.sessions)}
    kept = [
        options.wants(reader.epoch(time), sessions[raw])
        for time, raw in zip(events.times, events.sessions, strict=True)
    ]

    def is_wanted(incident: Incident) -> bool:
        return options.wants(reader.epoch(incident.time), reader.session(incident.session))

    given = events.prepares
    asked = [
        options.wants(reader.epoch(time), reader.session(raw))
        for time, raw in zip(given.times, given.sessions, strict=True)
    ]
    prepares = Prepares(*(list(compress(getattr(given, field.name), asked)) for field in fields(given)))
    incidents = list(filter(is_wanted, events.incidents))
    waiting = list(filter(is_wanted, events.waiting))
    if all(kept):
        return replace(events, incidents=incidents, waiting=waiting, prepares=prepares), 0
    places = {at: new for new, at in enumerate(compress(range(len(kept)), kept))}
    columns: dict[str, Any] = {name: list(compress(getattr(events, name), kept)) for name in _COLUMNS}
    rest: dict[str, Any] = {
        field.name: getattr(events, field.name) for field in fields(events) if field.name not in columns
    }
    rest["flags"] = {name: list(compress(column, kept)) for name, column in events.flags.items()}
    rest["parameters"] = {places[at]: value for at, value in events.parameters.items() if at in places}
    rest["plans"] = {places[at]: plan for at, plan in events.plans.items() if at in places}
    rest["incidents"], rest["waiting"], rest["prepares"] = incidents, waiting, prepares
    return Events(**columns, **rest), len(kept) - len(places)
