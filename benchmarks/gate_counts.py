"""The gate's counts: whether one statement more is always found, and whether what two processes agree on ever differs.

    python benchmarks/gate_counts.py statement --count 100     one more in one endpoint of ten, until there are 100 whole gates
    python benchmarks/gate_counts.py exact --count 3000        unchanged code with random hash seeds, until there are 3,000 processes
    python benchmarks/gate_counts.py told                      the results of both so far

Both add to what is kept (beside PERFKIT_BENCH_COUNTS), so that they can be ended and called again. Load matters to neither.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench import circumstances, free_port, table

from perfkit.model.target import Command
from perfkit.pipeline import GateOptions
from perfkit.pipeline.gating import counting
from perfkit.pipeline.gating.stored import record

KEPT = Path(os.environ.get("PERFKIT_BENCH_COUNTS", "/tmp/perfkit-benchmarks/counts.json"))
ENDPOINTS = 10
HEAD = """
import sqlite3
from flask import Flask, jsonify
app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
database.executemany("INSERT INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(500)])


def ask(number):
    return database.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone()[0]
"""
ENDPOINT = """

@app.get("/page{n}")
def page{n}():
    names = [ask(number) for number in range({n} + 3)]
    return jsonify(names=names)
"""
# Statements, calls and threads, and one count that depends on the order of a set.
RUN = """

def words_until(letter):
    found = 0
    for word in {{"apple", "pear", "plum", "quince", "cherry", "fig"}}:
        ask(found)
        found += 1
        if word.startswith(letter):
            break
    return found


if __name__ == "__main__":
    from concurrent.futures import ThreadPoolExecutor

    client = app.test_client()
    for n in range({endpoints}):
        client.get(f"/page{{n}}")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda n: len(str(n)), range(20)))
    words_until("q")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("statement", "exact", "told"))
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    print(circumstances() + "\n")
    if options.what == "statement":
        while len(_kept("statement")) < options.count:
            _keep("statement", one_more())
    elif options.what == "exact":
        while 2 * len(_kept("exact")) < options.count:
            _keep("exact", _beside_the_first(two_processes()))
    told()


def _kept(name: str) -> list[Any]:
    file = KEPT.with_suffix(f".{name}")
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _keep(name: str, result: Any) -> None:
    with KEPT.with_suffix(f".{name}").open("a") as file:
        file.write(json.dumps(result) + "\n")


def _shop() -> str:
    return HEAD + "".join(ENDPOINT.format(n=n) for n in range(ENDPOINTS))


def one_more() -> str:
    """A gate with the statement in an endpoint that chance chooses: how it was found."""
    chosen = random.randrange(ENDPOINTS)
    line = f"    names = [ask(number) for number in range({chosen} + 3)]\n"
    after = _shop().replace(line, line + "    ask(0)\n")
    place = after.splitlines().index("    ask(0)") + 1
    with tempfile.TemporaryDirectory() as folder:
        git = ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
        Path(folder, "shop.py").write_text(_shop())
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "base"], check=True)
        Path(folder, "shop.py").write_text(after)
        port = free_port()
        loads = [word for n in range(ENDPOINTS) for word in ("--load", f"http://127.0.0.1:{port}/page{n}")]
        words = [sys.executable, "-m", "perfkit", "gate", "-q", "--baseline", "main", "--no-times", "--repeats", "3"]
        server = [sys.executable, "-m", "flask", "--app", "shop", "run", "-p", str(port)]
        report = ["--report", "json=verdict.json"]
        done = subprocess.run([*words, *loads, *report, "--", *server], cwd=folder, capture_output=True, check=False)
        if done.returncode != 1:
            return f"exit code {done.returncode}"
        verdict = json.loads(Path(folder, "verdict.json").read_text())
    if [(one["unit"], one["metric"]) for one in verdict["breaches"]] != [(f"GET /page{chosen}", "queries")]:
        return "another breach"
    (breach,) = verdict["breaches"]
    return "found, with its line" if (breach["where"] or {}).get("line") == place else "found, without its line"


def two_processes() -> list[dict[str, int]]:
    """What each of two processes with random hash seeds counted."""
    counting.SEEDS = (random.randrange(1, 2**32), random.randrange(1, 2**32))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "shop.py").write_text(_shop() + RUN.format(endpoints=ENDPOINTS))
        command = Command((sys.executable, "shop.py"), sys.executable, folder)
        found = record(command, GateOptions(baseline="", times=False))
    return [{f"{key.what} {key.name}": total for key, total in counts.totals.items()} for counts in found.counts]


def _beside_the_first(pair: list[dict[str, int]]) -> list[dict[str, int]]:
    """The first pair is kept whole; of later ones only what is not as in the first process."""
    kept = _kept("exact")
    if not kept:
        return pair
    first = kept[0][0]
    names = {name for process in pair for name in process} | set(first)
    return [
        {name: process.get(name, 0) for name in names if process.get(name, 0) != first.get(name, 0)} for process in pair
    ]


def told() -> None:
    answers = Counter(_kept("statement"))
    if answers:
        table(("one statement more in one endpoint of ten", "gates"), [[name, str(n)] for name, n in answers.items()])
        print()
    pairs = _kept("exact")
    if pairs:
        _exact(pairs)


def _exact(pairs: list[list[dict[str, int]]]) -> None:
    """As a gate does: what the first two agree on is called exact, and all others are compared with them."""
    (first, second), *others = pairs
    names = set(first) | set(second)
    exact = {name for name in names if first.get(name, 0) == second.get(name, 0)}
    unlike = [set(process) for pair in others for process in pair]
    differed = Counter(name for process in unlike for name in process & exact)
    came = {name for process in unlike for name in process} - names
    rows = [
        ["processes", str(2 * len(pairs))],
        ["counts that the first two agree on", str(len(exact))],
        ["of them differed in some process", str(len(differed))],
        ["counts that the first two disagree on", ", ".join(sorted(names - exact)) or "none"],
        ["counts that came later", str(len(came))],
    ]
    table(("what", "n"), rows)
    for name, n in differed.most_common(5):
        print(f"{name}: in {n} of {2 * len(pairs)}")


if __name__ == "__main__":
    main()
