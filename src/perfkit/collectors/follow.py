"""Follows the target's process tree: every Python process below the root becomes a Process of the recording."""

from __future__ import annotations

from dataclasses import dataclass, replace

from perfkit.collectors.interface import Context
from perfkit.model.recording import Process
from perfkit.shared import processes, redact

# A tree is read often while it grows and rarely once it is stable: a read of /proc costs about 0.1 ms a process.
_QUICK, _SLOW, _QUICK_UNTIL = 0.05, 0.3, 3.0


@dataclass
class Followed:
    """A process being followed. `identity` is its start time, which tells it from a later process of the same pid; `image`
    tells whether it has replaced itself."""

    record: Process
    identity: float | None
    image: int | None


class Follow:
    """The Python processes of the target, alive or ended."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._alive: dict[int, Followed] = {}
        self._ended: list[Process] = []
        self._unseen: dict[int, Process] = {}
        self._next_look = 0.0
        self._looked_at = 0.0
        # When processes, by their numbers here, became another Python program by exec, or up to one look later.
        self.replaced: dict[int, float] = {}
        self._changed_at = 0.0
        self._next_id = 1
        self.seen_other: set[int] = set()

    @property
    def alive(self) -> list[Process]:
        return [followed.record for followed in self._alive.values()]

    @property
    def count(self) -> int:
        """How many Python processes were ever seen."""
        return self._next_id - 1

    def poll(self) -> None:
        now = self._context.clock()
        if now < self._next_look:
            return
        present = self._present()
        for pid in [pid for pid in self._alive if pid not in present or self._reused(pid)]:
            self._end(pid, now)
        for pid, followed in self._alive.items():
            self._note_replaced(pid, followed)
        for pid in present - self._alive.keys():
            self._begin(pid, now)
        self._looked_at = now
        self._next_look = now + (_QUICK if now - self._changed_at < _QUICK_UNTIL else _SLOW)

    def stop(self) -> None:
        now = self._context.clock()
        for pid in [pid for pid in self._alive if not processes.alive(pid)]:
            self._end(pid, now)

    def known(self, pid: int, parent_pid: int, python: str, at: float) -> Process:
        """The process of that pid that lived at `at`; where it came and went unseen, as it said itself."""
        for record in (*self._ended, *self.alive):
            if record.pid == pid and (record.ended is None or at <= record.ended):
                return record
        if pid in self._unseen:
            return self._unseen[pid]
        record = Process(self._take_id(), pid, parent_pid, "", python, max(0.0, at))
        self._unseen[pid] = record
        self._context.sink.process(record)
        return record

    def lived(self, seconds: float) -> list[Process]:
        """Those that were seen for at least so long."""
        now = self._context.clock()
        return [
            p for p in (*self._ended, *self.alive) if (p.ended if p.ended is not None else now) - p.started >= seconds
        ]

    def _present(self) -> set[int]:
        root = self._context.root_pid
        pids = set(processes.descendants(root))
        if processes.alive(root):
            pids.add(root)
        return pids

    def _reused(self, pid: int) -> bool:
        return processes.start_time(pid) != self._alive[pid].identity

    def _note_replaced(self, pid: int, followed: Followed) -> None:
        image = processes.image(pid)
        if image is not None and followed.image != image:
            if followed.image is not None and processes.python_of(pid) is not None:
                self.replaced[followed.record.id] = self._looked_at
            followed.image = image

    def _begin(self, pid: int, now: float) -> None:
        version = processes.python_of(pid)
        if version is None:
            self.seen_other.add(pid)
            return
        unseen = self._unseen.pop(pid, None)
        record = Process(
            id=self._take_id() if unseen is None else unseen.id,
            pid=pid,
            parent_pid=processes.parent(pid),
            command=redact.argv(processes.command_line(pid)),
            python=version or None,
            started=now if unseen is None else unseen.started,
            cwd=processes.cwd(pid),
        )
        self._changed_at = now
        self._alive[pid] = Followed(record, processes.start_time(pid), processes.image(pid))
        self._context.sink.process(record)

    def _end(self, pid: int, now: float) -> None:
        followed = self._alive.pop(pid)
        self._changed_at = now
        ended = replace(followed.record, ended=now)
        self._ended.append(ended)
        self._context.sink.process(ended)

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1
