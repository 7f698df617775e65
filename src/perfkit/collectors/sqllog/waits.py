"""Waits for locks: those that were logged while they lasted come in with those that ended; each goes out once."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfkit.collectors.sqllog.interface import Incident


@dataclass(slots=True)
class Waits:
    """By connection. `ended` are those whose wait ended here before one began here: it may have begun in the part before."""

    open: dict[bytes, Incident] = field(default_factory=dict)
    ended: set[bytes] = field(default_factory=set)
    begun: set[bytes] = field(default_factory=set)

    def begin(self, connection: bytes, incident: Incident) -> Incident | None:
        """The connection's last wait, if that never ended: it was cancelled."""
        self.begun.add(connection)
        before = self.open.get(connection)
        self.open[connection] = incident
        return before

    def end(self, connection: bytes) -> None:
        if self.open.pop(connection, None) is None and connection not in self.begun:
            self.ended.add(connection)

    def merge(self, other: Waits) -> list[Incident]:
        """`other` is of the part that follows. Gives those of ours that never ended."""
        over = [wait for connection, wait in self.open.items() if connection in other.begun - other.ended]
        self.open = {
            connection: wait
            for connection, wait in self.open.items()
            if connection not in other.begun and connection not in other.ended
        } | other.open
        self.begun |= other.begun
        return over
