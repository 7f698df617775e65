"""perfkit's gate beside the usual ways to compare two revisions, in the same minutes on the same machine.

    python benchmarks/gate_peers.py run --count 20       trials of unchanged code, 5 % and 10 % slower; added to those that are kept
    python benchmarks/gate_peers.py told                 what all trials so far have said

The work is some 50 ms of Python. pytest-benchmark: the baseline's run is saved, the other fails at `mean:5%`. Best of 10: ten fresh
processes each, the faster of both minima above 5 %. hyperfine: the ratio of means above 5 %. perfkit: `perfkit gate` with its defaults on a
server's endpoint. It needs pytest-benchmark and flask (PERFKIT_BENCH_PYTHON, by default this Python) and hyperfine; what is missing is
left out and said.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench import by_load, circumstances, free_port, spend, table

KEPT = Path(os.environ.get("PERFKIT_BENCH_PEERS", "/tmp/perfkit-benchmarks/peers.json"))
PYTHON = os.environ.get("PERFKIT_BENCH_PYTHON", sys.executable)
CHANGES = {"unchanged": 0.0, "5 % slower": 0.05, "10 % slower": 0.10}
ROUNDS = 300_000
FAILS = 0.05
WORK = """
def work(rounds={rounds}):
    total = 0
    for number in range(rounds):
        total += len(str(number * 7 % 13))
    return total
"""
SERVER = """
from flask import Flask
from work import work
app = Flask(__name__)
@app.get("/")
def page():
    return str(work())
"""
TEST = "from work import work\ndef test_work(benchmark):\n    benchmark(work)\n"
SCRIPT = "from work import work\nwork()\n"

Answer = str  # fail, pass or inconclusive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "told"))
    parser.add_argument("--count", type=int, default=20)
    options = parser.parse_args()
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    print(circumstances() + "\n")
    for _ in range(options.count if options.what == "run" else 0):
        for name, slower in CHANGES.items():
            _keep(trial(name, slower))
    told()


def _kept() -> list[dict[str, Any]]:
    return json.loads(KEPT.read_text()) if KEPT.exists() else []


def _keep(found: dict[str, Any]) -> None:
    KEPT.write_text(json.dumps([*_kept(), found]))


def trial(name: str, slower: float) -> dict[str, Any]:
    """Each tool once on the same two revisions: its answer and its seconds."""
    tools: Mapping[str, Callable[[Path], Answer]] = {
        "pytest-benchmark mean:5%": pytest_benchmark,
        "best of 10": best_of_ten,
        "hyperfine": hyperfine,
        "perfkit gate": perfkit_gate,
    }
    found: dict[str, Any] = {"change": name, "load": os.getloadavg()[0], "answers": {}, "seconds": {}}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for side, rounds in (("before", ROUNDS), ("after", round(ROUNDS * (1 + slower)))):
            (place / side).mkdir()
            (place / side / "work.py").write_text(WORK.format(rounds=rounds))
            (place / side / "test_work.py").write_text(TEST)
            (place / side / "script.py").write_text(SCRIPT)
            (place / side / "server.py").write_text(SERVER)
        for tool, ask in tools.items():
            began = time.monotonic()
            found["answers"][tool] = ask(place)
            found["seconds"][tool] = time.monotonic() - began
    return found


def pytest_benchmark(place: Path) -> Answer:
    store = ["-q", "-p", "no:cacheprovider", f"--benchmark-storage=file://{place / 'saved'}"]
    saved = _run([PYTHON, "-m", "pytest", *store, "--benchmark-save=before"], place / "before")
    if saved.returncode:
        return "not here"
    compare = ["--benchmark-compare=0001", "--benchmark-compare-fail=mean:5%"]
    return "fail" if _run([PYTHON, "-m", "pytest", *store, *compare], place / "after").returncode else "pass"


def best_of_ten(place: Path) -> Answer:
    best = [
        min(spend([PYTHON, "script.py"], str(place / side)).wall for _ in range(10)) for side in ("before", "after")
    ]
    return "fail" if best[1] / best[0] > 1 + FAILS else "pass"


def hyperfine(place: Path) -> Answer:
    if shutil.which("hyperfine") is None:
        return "not here"
    out = place / "hyperfine.json"
    scripts = [f"{PYTHON} {place / side / 'script.py'}" for side in ("before", "after")]
    _run(["hyperfine", "-N", "--style", "none", "--export-json", str(out), *scripts], place)
    means = [one["mean"] for one in json.loads(out.read_text())["results"]]
    return "fail" if means[1] / means[0] > 1 + FAILS else "pass"


def perfkit_gate(place: Path) -> Answer:
    repository = place / "repository"
    shutil.copytree(place / "before", repository)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "before"]):
        _run([*git, *words], repository)
    shutil.copy(place / "after/work.py", repository)
    port = free_port()
    gate = [sys.executable, "-m", "perfkit", "gate", "-q", "--baseline", "main", "--load", f"http://127.0.0.1:{port}/"]
    server = [PYTHON, "-m", "flask", "--app", "server", "run", "-p", str(port)]
    code = _run([*gate, "--", *server], repository).returncode
    return {0: "pass", 1: "fail", 4: "inconclusive"}.get(code, f"exit code {code}")


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, cwd=folder, capture_output=True, check=False, stdin=subprocess.DEVNULL)


def told() -> None:
    for condition, trials in by_load(_kept()).items():
        if not trials:
            continue
        print(f"{condition}: {len(trials)} trials\n")
        rows = []
        for tool in trials[0]["answers"]:
            row = [tool]
            for change in CHANGES:
                answers = [one["answers"][tool] for one in trials if one["change"] == change]
                row.append(f"{answers.count('fail')} of {len(answers)}{_open(answers)}")
            row.append(f"{statistics.median(one['seconds'][tool] for one in trials):.0f} s")
            rows.append(row)
        table(("fails for", *CHANGES, "takes"), rows)
        print()


def _open(answers: list[Answer]) -> str:
    others = [answer for answer in answers if answer not in ("fail", "pass")]
    return f" ({len(others)} {others[0]})" if others else ""


if __name__ == "__main__":
    main()
