"""What a resolver does: one word of the user's comes in; the running process that it means goes out."""

from __future__ import annotations

from typing import Protocol

from perfkit.model.target import RunningProcess


class Resolver(Protocol):
    """A way to name a process. The first whose `accepts` says yes decides; names come last and accept the rest."""

    def accepts(self, text: str) -> bool:
        """Whether the word has this resolver's form; says nothing about a process being there."""
        ...

    def resolve(self, text: str) -> RunningProcess:
        """Raises PerfkitError where there is no such process, several, or one that cannot be attached to."""
        ...
