"""Zoom: what counting lines and calls, and following memory, cost a Flask application on SQLite, beside their peers.

    python benchmarks/zoom.py --pairs 8
    python benchmarks/zoom.py --pauses 30       how long a process stands still while perfkit comes in

Each profiler launches the same loop (`flask-sql` of overhead.py), which takes turns with a bare one. Those that follow what is decorated
(kernprof, memory_profiler) are given the one function that answers the request. CPU is the target's own, profiler's threads in
it included; perfkit's own process is beside it, and not in it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec

from bench import circumstances, median_interval, table
from overhead import BIN, beside_bare

KIND = "flask-sql"
LIMITS = {"perfkit --lines": 1.25, "perfkit --memory": 1.10}
PAUSE = 0.010  # seconds, of the median attach
# Spins, and tells the longest time for which it stood still in each stretch between two lines of its input.
QUIET = """
import sys, threading, time
longest, going = 0.0, True
def spin():
    global longest
    last = time.monotonic()
    while going:
        now = time.monotonic()
        if now - last > longest:
            longest = now - last
        last = now
def answers():
    global longest, going
    for line in sys.stdin:
        print(longest, flush=True)
        longest = 0.0
    going = False
threading.Thread(target=answers, daemon=True).start()
spin()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--pauses", type=int, default=0, help="measure pauses only, so many")
    parser.add_argument("--only", nargs="+", help="these profilers alone, by name")
    options = parser.parse_args()
    print(circumstances() + "\n")
    if options.pauses:
        pauses(options.pauses)
        return
    with tempfile.TemporaryDirectory() as folder:
        profilers = {
            name: words for name, words in _profilers(folder).items() if not options.only or name in options.only
        }
        measured = beside_bare(KIND, profilers, options.pairs, folder)
    costs = ("CPU", "95 %", "wall without the run queue", "95 %", "wall", "95 %")
    table(
        ("target", "profiler", *costs, "looks/s", "pairs"), [found.row(KIND, name) for name, found in measured.items()]
    )
    for name, limit in LIMITS.items():
        if name in measured:
            held = "held" if measured[name].cpu() <= limit else "not held"
            print(f"- {name}: {measured[name].cpu():.3f}× CPU, limit {limit:.2f}×: {held}.")


def _profilers(folder: str) -> dict[str, Sequence[str]]:
    python, out = sys.executable, f"{folder}/recording"
    perfkit = [python, "-m", "perfkit", "run", "-q", "-o", out]
    profilers: dict[str, Sequence[str]] = {
        "perfkit": [*perfkit, "--", python],
        "perfkit --lines": [*perfkit, "--lines", "--", python],
        "perfkit --calls": [*perfkit, "--calls", "--", python],
        "perfkit --memory": [*perfkit, "--memory", "--", python],
        "perfkit --memory --no-probe": [*perfkit, "--memory", "--no-probe", "--", python],
        "kernprof -l, one function": [str(BIN / "kernprof"), "-l", "-o", f"{folder}/lprof"],
        "memory_profiler, one function": [python, "-m", "memory_profiler"],
        "mprof run": [str(BIN / "mprof"), "run", "-o", f"{folder}/dat"],
    }
    if find_spec("memray") is not None:
        profilers["memray run"] = [python, "-m", "memray", "run", "-q", "-f", "-o", f"{folder}/memray"]
    if (BIN / "scalene").exists():
        profilers["scalene --memory"] = [str(BIN / "scalene"), "run", "--memory", "-o", f"{folder}/scalene.json"]
    return profilers


def pauses(count: int) -> None:
    """A fresh process each time: what comes in is a single `pass`."""
    from perfkit.collectors.injection import inject

    longest: dict[str, list[float]] = {"perfkit comes in": [], "py-spy dump": [], "nothing": []}
    for number in range(count):
        words = [sys.executable, "-c", QUIET]
        with (
            tempfile.TemporaryDirectory() as spool,
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as target,
        ):
            time.sleep(0.3)
            for name in sorted(longest, key=lambda name: hash((name, number))):
                _stretch(target)
                if name == "perfkit comes in":
                    inject(target.pid, "pass", spool=spool)
                elif name == "py-spy dump":
                    dump = [str(BIN / "py-spy"), "dump", "--pid", str(target.pid)]
                    subprocess.run(dump, stdout=subprocess.DEVNULL, check=True)
                else:
                    time.sleep(0.2)
                longest[name].append(_stretch(target))
            target.terminate()
    rows = []
    for name, seconds in longest.items():
        low, high = median_interval(seconds)
        middle = statistics.median(seconds)
        rows.append(
            [name, f"{middle * 1000:.1f} ms", f"{low * 1000:.1f}–{high * 1000:.1f}", f"{max(seconds) * 1000:.1f} ms"]
        )
    table(("what happens", "stands still, median", "95 %", "longest"), rows)
    ours = statistics.median(longest["perfkit comes in"])
    print(f"- {ours * 1000:.1f} ms, limit {PAUSE * 1000:.0f} ms: {'held' if ours <= PAUSE else 'not held'}.")


def _stretch(target: subprocess.Popen[str]) -> float:
    assert target.stdin is not None and target.stdout is not None
    target.stdin.write("\n")
    target.stdin.flush()
    return float(target.stdout.readline())


if __name__ == "__main__":
    main()
