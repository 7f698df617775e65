"""What the pieces of injection share: the refusal, and what is known about a process before anything touches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perfkit.model.recording import Gap

Path = Literal["remote_exec", "ptrace"]


class Refused(Exception):
    """Code does not get into this process. `gap` says why in one sentence and what would help in another."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(f"{gap.what}: {gap.why}; {gap.remedy}")
        self.gap = gap

    def __reduce__(self) -> tuple[type[Refused], tuple[Gap]]:
        """Whole from one process to another."""
        return type(self), (self.gap,)


def refused(pid: int, why: str, remedy: str) -> Refused:
    return Refused(Gap(f"what only code inside process {pid} can tell", why, remedy))


@dataclass(frozen=True)
class Subject:
    """A process that passed the preconditions.

    `inner_pid` is what its own os.getpid() says (another number in a container). `user`, `group` and `groups` are the ones
    by which it opens files. `shares_files` tells whether a path means the same file to it and to us.
    """

    pid: int
    inner_pid: int
    version: tuple[int, int]
    free_threaded: bool
    user: int
    group: int
    groups: tuple[int, ...]
    shares_files: bool
