"""Several processes that fit one word: pids come in; the topmost of each tree, or a list to choose from, goes out."""

from __future__ import annotations

from collections.abc import Collection

from perfkit.errors import PerfkitError
from perfkit.shared import processes
from perfkit.targets import words

_LISTED = 10


def topmost(pids: Collection[int]) -> list[int]:
    """Those that have none of the others above them: the master, not its workers."""
    members = set(pids)
    return sorted(pid for pid in members if members.isdisjoint(processes.ancestors(pid)))


def several(text: str, pids: list[int]) -> PerfkitError:
    """The refusal to choose: one line a process with pid, owner and command."""
    lines = [f"{words.printable(text)} is {len(pids)} processes:", *listed(pids)]
    return PerfkitError("\n".join(lines), f"give the pid: perfkit attach {pids[0]}")


def listed(pids: list[int]) -> list[str]:
    """`811  deploy  gunicorn shop.wsgi`, aligned, at most ten."""
    rows = [
        (str(pid), processes.owner(pid) or "?", words.short(processes.command_line(pid)) or "python")
        for pid in pids[:_LISTED]
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    lines = [f"  {pid:>{widths[0]}}  {owner:<{widths[1]}}  {command}" for pid, owner, command in rows]
    return [*lines, f"  and {len(pids) - _LISTED} more"] if len(pids) > _LISTED else lines
