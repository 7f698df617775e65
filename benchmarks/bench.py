"""What the benchmarks share: whole processes and what they cost, environments to run them in, statistics, tables."""

from __future__ import annotations

import os
import platform
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The load up to which a machine counts as fit for measuring.
QUIET = 3.0
ENVIRONMENTS = Path(os.environ.get("PERFKIT_BENCH_ENVIRONMENTS", "/tmp/perfkit-benchmarks"))


@dataclass(frozen=True)
class Spent:
    """What one process and its waited-for children cost, in seconds, by the kernel's account, and how it ended."""

    cpu: float
    wall: float
    code: int


def spend(words: Sequence[str], cwd: str | None = None, environ: Mapping[str, str] | None = None) -> Spent:
    """Run a command with its output thrown away."""
    started = time.perf_counter()
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=cwd, env=environ
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, process.returncode)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def in_turn(rounds: int, variants: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Every variant once a round, in a new order each round, so that what the machine does meanwhile hits all alike."""
    order = list(variants)
    taken: dict[str, list[float]] = {name: [] for name in order}
    shuffled = random.Random(1)
    for _ in range(rounds):
        shuffled.shuffle(order)
        for name in order:
            taken[name].append(variants[name]())
    return taken


def ratios(of: Sequence[float], to: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(of, to, strict=True)]


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % of the medians of 2,000 resamples (percentile bootstrap)."""
    resample = random.Random(1)
    medians = sorted(statistics.median(resample.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[1949]


def environment(python: str, packages: Sequence[str] = (), optional: Sequence[str] = ()) -> tuple[Path, dict[str, str]]:
    """A virtual environment of `python` with perfkit from this checkout: its bin folder, and why what is missing is."""
    name = subprocess.run(
        [python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    folder = ENVIRONMENTS / name
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    if not (folder / "bin/python").exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        subprocess.run([*pip, *packages], check=True)
    subprocess.run([*pip, str(ROOT)], check=True)
    missing = {}
    for package in optional:
        if (folder / "bin" / package).exists():
            continue
        done = subprocess.run([*pip, "--only-binary", ":all:", package], capture_output=True, text=True, check=False)
        if done.returncode:
            missing[package] = next((line for line in done.stderr.splitlines() if "rror" in line), "pip failed")
    return folder / "bin", missing


def interpreters(names: Sequence[str]) -> list[str]:
    """Those of `3.11`, `3.13` … that are on PATH or in ~/.pyenv."""
    found = []
    for name in names:
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{name}.*/bin/python"))
        path = str(pyenv[-1]) if pyenv else shutil.which(f"python{name}")
        if path:
            found.append(path)
        else:
            print(f"no Python {name} here", file=sys.stderr)
    return found


def circumstances() -> str:
    """The line under which the numbers of a run belong."""
    load = os.getloadavg()[0]
    return (
        f"{date.today()} · {platform.system()} {platform.release().split('-')[0]} {platform.machine()}, "
        f"{os.cpu_count()} cores, load {load:.1f} · Python {platform.python_version()} · "
        f"`python {' '.join(['benchmarks/' + Path(sys.argv[0]).name, *sys.argv[1:]])}`"
    )


def by_load(trials: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What was measured on a quiet machine and on a busy one, by the words for each."""
    quiet = [one for one in trials if one["load"] <= QUIET]
    return {f"load ≤ {QUIET:.0f}": quiet, f"load > {QUIET:.0f}": [one for one in trials if one["load"] > QUIET]}


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Markdown; the first column is text, the others are numbers."""
    print("| " + " | ".join(heads) + " |")
    print("|---|" + "--:|" * (len(heads) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()
