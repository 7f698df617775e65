"""The gate's own errors: how often unchanged code fails, and how often a slowdown or one more statement is found.

    python benchmarks/gate.py pairs --minutes 10      real pairs of an unchanged server, added to those that are kept
    python benchmarks/gate.py pairs --busy 4          the same while four processes do nothing but keep the machine busy
    python benchmarks/gate.py resample                10,000 gates drawn from those pairs, unchanged and slowed down
    python benchmarks/gate.py gates --count 50        whole gates: unchanged, one statement more, 5 % and 10 % slower
    python benchmarks/gate.py told                    all of that so far, and what gate_counts.py and gate_peers.py have found

Pairs are kept with the processes that they came from: a drawn gate takes runs of whole processes, as a real one does, with a
sign for each process, because which side is called the baseline is a matter of chance. `pairs` and `gates` can be ended and called again
(PERFKIT_BENCH_PAIRS and PERFKIT_BENCH_GATES name what is kept).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from math import log
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, NamedTuple

from bench import by_load, circumstances, free_port, table

from perfkit.gate import calibration
from perfkit.gate.paired import Rules
from perfkit.model.target import Command
from perfkit.pipeline.gating.servers import Servers
from perfkit.pipeline.gating.sides import Side

KEPT = Path(os.environ.get("PERFKIT_BENCH_PAIRS", "/tmp/perfkit-benchmarks/pairs.json"))
GATES = Path(os.environ.get("PERFKIT_BENCH_GATES", "/tmp/perfkit-benchmarks/gates.json"))
UNITS = (1, 10)
# Pairs of one pair of processes: as many as the gate takes before it starts them anew.
ALIVE = 9
SHOP = """
import hashlib, sqlite3
from flask import Flask, jsonify
app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
database.executemany("INSERT INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(500)])
def work(rounds):
    total = 0
    for number in range(rounds):
        total += len(str(number * 7 % 13))
    return total
@app.get("/<int:unit>")
def page(unit):
    names = [database.execute("SELECT name FROM item WHERE id = ?", (n,)).fetchone()[0] for n in range(STATEMENTS)]
    return jsonify(names=names, total=work(ROUNDS))
"""
ROUNDS, STATEMENTS = 300_000, 5  # some 50 ms


class Ended(NamedTuple):
    """A whole gate. `load` is the machine's when it began."""

    what: str
    code: int
    seconds: float
    load: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pairs", "resample", "gates", "told"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--busy", type=int, default=0, metavar="PROCESSES")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--only", nargs="+", help="these kinds of gates alone")
    parser.add_argument("--drawn", type=int, default=10_000)
    options = parser.parse_args()
    print(circumstances() + "\n")
    if options.what == "pairs":
        collect(options.minutes, options.busy)
    elif options.what == "resample":
        resample(options.drawn)
    elif options.what == "gates":
        gates(options.count, options.only)
    else:
        told(options.drawn)


def told(drawn: int) -> None:
    """All that is known of the gate: what `gate_counts.py` and `gate_peers.py` have found, too."""
    import gate_counts
    import gate_peers

    resample(drawn)
    print()
    gates(0, None)
    print()
    gate_counts.told()
    print()
    gate_peers.told()


def _kept() -> list[dict[str, Any]]:
    """By pair of processes: the machine's `load`, and of each pair the `logs` (CPU, wall) of current to baseline."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else []


def collect(minutes: float, busy: int) -> None:
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for _ in range(busy):
            stack.callback(subprocess.Popen([sys.executable, "-c", "while True: pass"]).kill)
        sides = [_side(name, Path(folder)) for name in ("baseline", "current")]
        servers = stack.enter_context(Servers(sides, [{}, {}], Path(folder), 60.0))
        while os.getloadavg()[0] <= busy - 1:
            time.sleep(1)
        until = time.monotonic() + 60 * minutes
        while time.monotonic() < until:
            servers.begin(["GET /1"])
            pairs = [servers.pair("GET /1", number) for number in range(ALIVE)]
            logs = [(log(after.cpu / before.cpu), log(after.wall / before.wall)) for before, after in pairs]
            KEPT.write_text(json.dumps([*_kept(), {"load": os.getloadavg()[0], "logs": logs}]))
    print(f"{len(_kept())} pairs of processes with {ALIVE} pairs each are kept in {KEPT}")


def _side(name: str, folder: Path) -> Side:
    root, port = folder / name, free_port()
    root.mkdir()
    (root / "shop.py").write_text(_shop())
    words = (sys.executable, "-m", "flask", "--app", "shop", "run", "-p", str(port))
    return Side(name, root, Command(words, sys.executable, str(root)), (f"http://127.0.0.1:{port}/1",))


def _shop(rounds: int = ROUNDS, statements: int = STATEMENTS) -> str:
    return SHOP.replace("ROUNDS", str(rounds)).replace("STATEMENTS", str(statements))


def resample(drawn: int) -> None:
    """Gates of one endpoint and of ten, with pairs of processes drawn again and again."""
    for condition, kept in by_load(_kept()).items():
        if len(kept) < 10:
            print(f"{condition}: {len(kept)} pairs of processes are too few: python benchmarks/gate.py pairs\n")
            continue
        rows = []
        logs = [[cpu for cpu, _ in one["logs"]] for one in kept]
        for units in UNITS:
            for slower in (0.0, 0.02, 0.05, 0.10):
                gates = drawn if not slower else max(200, drawn // 10)
                answers, pairs = calibration.drawn(logs, Rules(), units, slower, gates)
                told = ("slower",), ("unknown",), ("same", "faster")
                shares = [f"{100 * sum(map(answers.count, words)) / gates:.2f} %" for words in told]
                rows.append([f"{units}", f"{100 * slower:.0f} %", *shares, f"{pairs:.1f}", str(gates)])
        strays = stdev(value - fmean(run) for run in logs for value in run)
        print(
            f"{condition}: {len(kept)} pairs of processes; a pair strays by {100 * strays:.1f} %, takes half a second\n"
        )
        table(("endpoints", "one is slower by", "fails", "inconclusive", "passes", "pairs", "endpoints drawn"), rows)


def gates(count: int, only: Sequence[str] | None) -> None:
    """With real work trees and servers, each kind in turn, until there are `count` of each."""
    changes = {
        "unchanged": _shop(),
        "one statement more": _shop(statements=STATEMENTS + 1),
        "5 % slower": _shop(round(ROUNDS * 1.05)),
        "10 % slower": _shop(round(ROUNDS * 1.10)),
    }
    ended: list[Ended] = [Ended(*row) for row in json.loads(GATES.read_text())] if GATES.exists() else []
    GATES.parent.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in changes if not only or name in only]
    while missing := [name for name in wanted if sum(one.what == name for one in ended) < count]:
        for name in missing:
            load, began = os.getloadavg()[0], time.monotonic()
            ended.append(Ended(name, _gate(changes[name]), time.monotonic() - began, load))
            GATES.write_text(json.dumps(ended))
    rows = []
    for name in changes:
        those = [one for one in ended if one.what == name]
        if those:
            codes = Counter(one.code for one in those)
            told = [str(codes[code]) for code in (1, 4, 0)]
            seconds, load = median(one.seconds for one in those), median(one.load for one in those)
            errors = str(len(those) - sum(map(int, told)))
            rows.append([name, str(len(those)), *told, errors, f"{seconds:.0f} s", f"{load:.1f}"])
    table(("what", "gates", "fails", "inconclusive", "passes", "errors", "a gate takes", "load"), rows)


def _gate(text: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        Path(folder, "shop.py").write_text(_shop())
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "base"], check=True)
        Path(folder, "shop.py").write_text(text)
        port = str(free_port())
        perfkit = [sys.executable, "-m", "perfkit", "gate", "-q", "--baseline", "main"]
        words = [*perfkit, "--load", f"http://127.0.0.1:{port}/1"]
        server = [sys.executable, "-m", "flask", "--app", "shop", "run", "-p", port]
        done = subprocess.run([*words, "--", *server], cwd=folder, capture_output=True, check=False)
        return done.returncode


if __name__ == "__main__":
    main()
