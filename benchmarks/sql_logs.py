"""Logs of databases: how many MB a CPU second perfkit, pgBadger, pt-query-digest and mysqldumpslow read, of the same logs in one run.

    python benchmarks/sql_logs.py                                  all logs and peers, one round: ten minutes
    python benchmarks/sql_logs.py --logs csv --rounds 3            one log
    python benchmarks/sql_logs.py --pgbadger ./pgbadger            another pgBadger than that on PATH
    python benchmarks/sql_logs.py --gigabyte                       memory on a log of 1 GB too

Real servers write the logs, see sql_log_workload.py: minutes, once. CPU is the kernel's account of a process and its children;
wall time counts for `--jobs 2` only, and says something only where two cores are free. Each tool writes its report to a file.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench import circumstances, table
from sql_log_workload import PREFIX, BigLogs

READ = """
import sys
from perfkit.collectors.sqllog.reading import LogOptions, read_logs
jobs, prefix, *logs = sys.argv[1:]
log = read_logs(logs, LogOptions(jobs=int(jobs), prefix=prefix or None), lambda *_: None)
print(log.events, log.micros, len(log.digests), log.unparsed)
"""


class Cost(NamedTuple):
    """Seconds and bytes; the memory is that of the largest process."""

    cpu: float
    wall: float
    memory: int
    said: str


@dataclass(frozen=True)
class Log:
    """`factor` is how many times as fast as `rival` perfkit shall be."""

    name: str
    path: Path
    rival: str
    factor: float
    peers: dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--logs", nargs="+", default=("stderr", "csv", "json", "mariadb", "mysql"))
    parser.add_argument("--pgbadger", default="pgbadger")
    parser.add_argument("--gigabyte", action="store_true")
    parser.add_argument("--only-perfkit", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        logs = [
            log for log in _logs(BigLogs.of(options.megabytes), options.pgbadger, scratch) if log.name in options.logs
        ]
        print(circumstances() + "\n")
        print("; ".join(_versions(options.pgbadger)) + "\n")
        rows, parallel = [], []
        for log in logs:
            measured = _measured(log, options.rounds, options.only_perfkit)
            rows += list(_rows(log, measured))
            parallel.append(_parallel(log, measured))
        table(("log", "tool", "MB", "CPU s", "MB per CPU s", "perfkit is", "goal", "max RSS MB"), rows)
        table(
            ("log", "wall s, --jobs 1", "wall s, --jobs 2", "ratio", "executions", "statements", "unparsed"), parallel
        )
        if options.gigabyte:
            table(("log of 1 GB", "CPU s", "MB per CPU s", "max RSS MB"), [_gigabyte(log, scratch) for log in logs])


def _logs(logs: BigLogs, pgbadger: str, scratch: str) -> Iterator[Log]:
    badger = [*_words(pgbadger), "-q", "-j", "1", "-p", PREFIX, "-o", f"{scratch}/report.html", "-f"]
    for name, path, kind, factor in (
        ("stderr", logs.stderr, "stderr", 15),
        ("csv", logs.csvlog, "csv", 10),
        ("json", logs.jsonlog, "jsonlog", 8),
    ):
        yield Log(name, path, "pgBadger", factor, {"pgBadger": [*badger, kind, str(path)]})
    for name, path, factor in (("mariadb", logs.mariadb, 12), ("mysql", logs.mysql, 10)):
        peers = {"pt-query-digest": ["pt-query-digest", str(path)], "mysqldumpslow": ["mysqldumpslow", str(path)]}
        yield Log(name, path, "pt-query-digest", factor, peers)


def _words(program: str) -> list[str]:
    """A Perl script that is no program yet, as it lies in its repository."""
    return ["perl", program] if Path(program).is_file() and not os.access(program, os.X_OK) else [program]


def _versions(pgbadger: str) -> Iterator[str]:
    for words in ([*_words(pgbadger), "--version"], ["pt-query-digest", "--version"]):
        if shutil.which(words[0]):
            yield subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def _measured(log: Log, rounds: int, only_perfkit: bool) -> dict[str, list[Cost]]:
    """perfkit with one and two jobs and every peer that is installed, in turn."""
    variants = {f"--jobs {jobs}": _reading(jobs, log, log.path) for jobs in (1, 2)}
    if not only_perfkit:
        variants.update({name: words for name, words in log.peers.items() if shutil.which(words[0])})
    with log.path.open("rb") as file:  # so that no tool is the one that reads it from the disk
        while file.read(1 << 20):
            pass
    taken: dict[str, list[Cost]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, words in variants.items():
            taken[name].append(_run(words))
    return taken


def _reading(jobs: int, log: Log, path: Path) -> list[str]:
    """Those who need a log_line_prefix are told it."""
    return [sys.executable, "-c", READ, str(jobs), PREFIX if log.name == "stderr" else "", str(path)]


def _run(words: Sequence[str]) -> Cost:
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            sys.exit(f"{words[0]} ended with {process.returncode}: {errors.decode(errors='replace')}")
        out.seek(0)
        return Cost(
            usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024, out.read(200).decode(errors="replace")
        )


def _rows(log: Log, measured: dict[str, list[Cost]]) -> Iterator[list[str]]:
    size = log.path.stat().st_size / 1e6
    ours = statistics.median(cost.cpu for cost in measured["--jobs 1"])
    for name, costs in measured.items():
        if name == "--jobs 2":
            continue
        cpu = statistics.median(cost.cpu for cost in costs)
        peer = name != "--jobs 1"
        goal = f"{log.factor:.0f}× {'held' if cpu / ours >= log.factor else 'missed'}" if name == log.rival else ""
        ratio = f"{cpu / ours:.1f}× as fast" if peer else ""
        memory = max(cost.memory for cost in costs) / 1e6
        tool = name if peer else "perfkit"
        yield [log.name, tool, f"{size:.0f}", f"{cpu:.1f}", f"{size / cpu:.1f}", ratio, goal, f"{memory:.0f}"]


def _parallel(log: Log, measured: dict[str, list[Cost]]) -> list[str]:
    one, two = ([cost.wall for cost in measured[f"--jobs {jobs}"]] for jobs in (1, 2))
    ratio = statistics.median(a / b for a, b in zip(one, two, strict=True))
    said = {cost.said for jobs in (1, 2) for cost in measured[f"--jobs {jobs}"]}
    if len(said) != 1:
        sys.exit(f"{log.name}: one and two jobs do not say the same: {said}")
    events, _, statements, unparsed = said.pop().split()
    walls = (f"{statistics.median(one):.1f}", f"{statistics.median(two):.1f}", f"{ratio:.2f}")
    return [log.name, *walls, f"{int(events):,}", statements, unparsed]


def _gigabyte(log: Log, scratch: str) -> list[str]:
    """The same log again and again, until it has 1 GB."""
    path = Path(scratch) / f"gigabyte.{log.name}"
    with path.open("wb") as out:
        while out.tell() < 1e9:
            with log.path.open("rb") as part:
                shutil.copyfileobj(part, out, 1 << 20)
    cost = _run(_reading(1, log, path))
    size = path.stat().st_size / 1e6
    path.unlink()
    return [f"{log.name}, {size:.0f} MB", f"{cost.cpu:.1f}", f"{size / cost.cpu:.1f}", f"{cost.memory / 1e6:.0f}"]


if __name__ == "__main__":
    main()
