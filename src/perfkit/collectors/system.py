"""What the kernel accounts to the target's processes and to the machine: CPU, memory, switches, throttling, steal."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from perfkit.collectors.follow import Follow
from perfkit.collectors.interface import Context
from perfkit.collectors.schedstat import read_threads
from perfkit.model.recording import MachineUsage, Process, Usage

EVERY = 0.5
# Reading PSS walks the page tables of the target and holds its memory map meanwhile.
PSS_EVERY = 5.0


class SystemCollector:
    """Reads all followed processes twice a second; memory by PSS every five seconds."""

    def __init__(self, context: Context, follow: Follow) -> None:
        self._context = context
        self._follow = follow
        self._next = 0.0
        self._next_pss = 0.0
        self._handles: dict[int, psutil.Process] = {}
        self._cgroup = throttle_file(context.root_pid)
        self._machine_zero = psutil.cpu_times()
        self._throttle_zero = read_throttling(self._cgroup)

    def poll(self) -> None:
        now = self._context.clock()
        if now >= self._next:
            self._next = now + EVERY
            self._read(now)

    def stop(self) -> None:
        self._read(self._context.clock())

    def _read(self, now: float) -> None:
        with_pss = now >= self._next_pss
        if with_pss:
            self._next_pss = now + PSS_EVERY
        self._context.sink.usage(self._rows(now, with_pss))
        self._context.sink.machine(self._machine(now))

    def _rows(self, now: float, with_pss: bool) -> Iterator[Usage]:
        for process in self._follow.alive:
            try:
                yield self._process(process, now, with_pss)
            except (psutil.Error, OSError):
                continue  # ended between the look at the tree and this one, or not ours to read

    def _process(self, process: Process, now: float, with_pss: bool) -> Usage:
        handle = self._handles.get(process.id)
        if handle is None:
            handle = self._handles[process.id] = psutil.Process(process.pid)
        with handle.oneshot():
            times = handle.cpu_times()
            switches = handle.num_ctx_switches()
            rss = handle.memory_info().rss
            threads = handle.num_threads()
        readings = read_threads(process.pid)
        return Usage(
            at=now,
            process=process.id,
            cpu=times.user + times.system,
            rss=rss,
            pss=pss_of(process.pid) if with_pss else None,
            threads=threads,
            voluntary_switches=switches.voluntary,
            involuntary_switches=switches.involuntary,
            runqueue=sum(waited for _, waited in readings.values()) if readings else None,
        )

    def _machine(self, now: float) -> MachineUsage:
        times, zero = psutil.cpu_times(), self._machine_zero
        idle = times.idle - zero.idle + getattr(times, "iowait", 0.0) - getattr(zero, "iowait", 0.0)
        # guest time is contained in user time
        total = sum(times[:8]) - sum(zero[:8])
        throttling = read_throttling(self._cgroup)
        before = self._throttle_zero
        return MachineUsage(
            at=now,
            load=os.getloadavg()[0],
            busy=max(0.0, total - idle),
            steal=getattr(times, "steal", 0.0) - getattr(zero, "steal", 0.0),
            throttled=throttling[0] - before[0] if throttling and before else None,
            throttled_periods=throttling[1] - before[1] if throttling and before else None,
            periods=throttling[2] - before[2] if throttling and before else None,
        )


def pss_of(pid: int) -> int | None:
    """Proportional set size: shared pages divided among the processes that share them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def throttle_file(pid: int) -> Path | None:
    """The `cpu.stat` of the control group that limits a process: version 2, else the cpu controller of version 1."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, folder = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        base = Path("/sys/fs/cgroup", "cpu" if controllers else "")
        own = base / folder.lstrip("/")
        groups = [
            group for group in (own, *own.parents) if group.is_relative_to(base) and (group / "cpu.stat").exists()
        ]
        counting = [group / "cpu.stat" for group in groups if "nr_periods" in (group / "cpu.stat").read_text()]
        limiting = [path for path in counting if _has_quota(path.parent)]
        if counting:
            return (limiting or counting)[0]
    return None


def _has_quota(group: Path) -> bool:
    """Whether the group itself is limited; time is counted as throttled in the group that has the limit."""
    for name in ("cpu.max", "cpu.cfs_quota_us"):
        try:
            return (group / name).read_text().split()[0] not in ("max", "-1")
        except (OSError, IndexError):
            continue
    return False


def read_throttling(path: Path | None) -> tuple[float, int, int] | None:
    """Seconds throttled, periods throttled and periods so far; None where there is no limit to be throttled by."""
    if path is None:
        return None
    try:
        fields = dict(line.split() for line in path.read_text().splitlines())
        seconds = (
            int(fields["throttled_usec"]) / 1e6 if "throttled_usec" in fields else int(fields["throttled_time"]) / 1e9
        )
        return seconds, int(fields["nr_throttled"]), int(fields["nr_periods"])
    except (OSError, ValueError, KeyError):
        return None
