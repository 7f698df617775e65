"""Injection: a pid and a little Python text come in; the text is run once in that process; the path it took goes out.

`inject` raises Refused, with a gap in plain words, wherever that cannot be.

- preconditions: what must hold before anything touches the process
- meeting: where the process says that the text has run; private_folder: a place for that where it sees none of ours;
  payload: how the text is wrapped
- remote_exec: Python 3.14 and later, by its own means
- ptrace_path: Python 3.9 and later on x86-64, by stopping its main thread for a moment
  (ptrace, registers, syscalls, signal_frame, machine_code, symbols and memory are its pieces)
"""

from __future__ import annotations

import time

from perfkit.collectors.injection import payload, preconditions, ptrace_path, remote_exec
from perfkit.collectors.injection.interface import Path, Refused, Subject, refused
from perfkit.collectors.injection.meeting import Claim
from perfkit.shared import processes

__all__ = ["Path", "Refused", "inject"]

_FOR_REMOTE_EXEC = 1.0
_FOR_ANOTHER_TRACER = 1.0  # py-spy comes and goes
_FOR_THE_END = 0.5
_BETWEEN_IMPORTS = 0.02
_BETWEEN = 0.002  # seconds until a thread that may hold a lock of malloc's is looked at again
# Seconds in which a pending call may come to run, before the thread is looked at again.
_LOOKS = (0.1, 0.2, 0.4, 0.8, 1.6)


def inject(pid: int, source: str, *, spool: str, timeout: float = 5.0) -> Path:
    """Run `source` once in the main thread of process `pid`, in a fresh namespace.

    It should do little, start a thread for the rest, and never print. `spool` is a private folder of perfkit: owner only,
    or 1733 where perfkit is root and the target is not. It keeps a small file of each run, and must not be emptied before it is removed.
    Raises Refused where the source could not be brought in, raised something, or has not run within `timeout` seconds: then it
    never will, unless the gap says that it has begun.
    """
    try:
        return _injected(pid, source, spool, timeout)
    except Refused:
        if preconditions.is_ending(pid):
            raise preconditions.ended(pid) from None  # of which anything else was only a sign
        raise


def _injected(pid: int, source: str, spool: str, timeout: float) -> Path:
    deadline = time.monotonic() + timeout
    subject = preconditions.examine(pid)
    with Claim(subject, spool) as claim, remote_exec.handed_over(subject, source, claim.path) as handed:
        said = claim.wait(min(deadline, time.monotonic() + _FOR_REMOTE_EXEC)) if handed else None
        if said is None:
            said = _by_ptrace(subject, source, claim, deadline, handed)
        if not said:
            said = claim.wait(deadline)
        return _judged(subject, said, claim, timeout)


def _by_ptrace(subject: Subject, source: str, claim: Claim, deadline: float, handed: bool) -> str | None:
    try:
        target = ptrace_path.look_at(subject)
        return _brought(target, source, claim, deadline)
    except Refused:
        # What was handed over to remote_exec may still run until the deadline.
        said = claim.wait(deadline) if handed else claim.said()
        if said is None:
            raise
        return said


def _brought(target: ptrace_path.Target, source: str, claim: Claim, deadline: float) -> str | None:
    """A running thread may come to wait for the world before it comes to its pending calls: then it is taken there. A
    program that is still inside an import after half of the time is one that runs there, and waited for no longer."""
    begun = time.monotonic()
    patience = iter(_LOOKS)
    left: ptrace_path.Left | None = None
    while (now := time.monotonic()) < deadline and processes.alive(target.subject.pid):
        careful = now < (begun + deadline) / 2
        text = payload.called(source, target.subject.inner_pid, claim.path, "ptrace", careful=careful)
        try:
            look = target.bring(text, deadline, only_waiting=left is not None)
        except PermissionError:
            if now > begun + _FOR_ANOTHER_TRACER and not preconditions.holds_for_moments(target.subject.pid):
                raise preconditions.forbidden(target.subject.pid) from None
            look = None
        if look is None:
            time.sleep(_BETWEEN)
            continue
        left = look if look.base else left
        until = deadline if look.stance == "waiting" else now + next(patience, _LOOKS[-1])
        if not _given_back(target, left, claim, min(until, deadline)):
            if claim.said() is not None:
                break
        elif claim.said() is None:  # Python was not up yet, or inside an import, or its queue was full
            left = None
            time.sleep(_BETWEEN_IMPORTS)
    return claim.said()


def _given_back(target: ptrace_path.Target, left: ptrace_path.Left | None, claim: Claim, until: float) -> bool:
    """Waits until the run was claimed or the time is over (False), or until the pages were given back without it."""
    pid = target.subject.pid
    while claim.said() is None and time.monotonic() < until and processes.alive(pid):
        if left and target.has_given_back(left):
            return True
        time.sleep(_BETWEEN)
    return False


def _judged(subject: Subject, said: str | None, claim: Claim, timeout: float) -> Path:
    pid = subject.pid
    if said is None and claim.close_to_others():
        why = f"its main thread did not come to run Python within {timeout:g} s: it is inside one long call, waits for a lock, or is only starting"
        raise refused(pid, why, "try again later; what was brought in now will not run any more")
    path, _, raised = (said or claim.wait(time.monotonic() + _FOR_THE_END) or "").partition("\n")
    if not path:
        why = f"the code that was brought in has begun and did not end within {timeout:g} s"
        raise refused(pid, why, "it goes on when the process lets it; do not bring it in again")
    if raised:
        raised = " ".join(raised.split()).rstrip(".")
        raise refused(
            pid, f"the code that was brought in raised {raised}", "report it with the version of the process's Python"
        )
    return "remote_exec" if path == "remote_exec" else "ptrace"
