"""A process by what people call it: `gunicorn`, `manage.py`, `shop.wsgi`; the topmost process of that name goes out."""

from __future__ import annotations

from perfkit.errors import PerfkitError
from perfkit.model.target import RunningProcess
from perfkit.shared import processes
from perfkit.shared.privileges import may_read
from perfkit.targets import words
from perfkit.targets.pid import admit, ours
from perfkit.targets.tree import listed, several, topmost


class ByName:
    def accepts(self, text: str) -> bool:
        return bool(text)

    def resolve(self, text: str) -> RunningProcess:
        candidates = _candidates()
        wanted = text.lower()
        matching = [pid for pid, argv in candidates.items() if wanted in words.names(argv)]
        tops = topmost(matching)
        # What belongs to somebody else cannot be meant while there is one that can be read.
        tops = [pid for pid in tops if may_read(pid)] or tops
        if not tops:
            raise _unknown(text, candidates)
        if len(tops) > 1:
            raise several(text, tops)
        return admit(tops[0])


def _candidates() -> dict[int, list[str]]:
    """Python processes and their command lines, perfkit's own and those above it left out."""
    excluded = ours()
    found = {}
    for pid in processes.pids():
        if pid in excluded or processes.python_of(pid) is None:
            continue
        argv = processes.command_line(pid)
        if argv and "perfkit" not in words.program_names(argv):
            found[pid] = argv
    return found


def _unknown(text: str, candidates: dict[int, list[str]]) -> PerfkitError:
    from difflib import get_close_matches

    message = f"no Python process is called {words.printable(text)}."
    known = {name for pid, argv in candidates.items() if may_read(pid) for name in words.program_names(argv)}
    near = get_close_matches(text.lower(), known, n=1)
    if near:
        return PerfkitError(message, f"did you mean {words.printable(near[0])}?")
    tops = [pid for pid in topmost(candidates) if may_read(pid)]
    if tops:
        return PerfkitError("\n".join([message, "These could be attached to:", *listed(tops)]), "give the pid of one")
    return PerfkitError(message, f"start it under perfkit: perfkit run -- {words.printable(text)}")
