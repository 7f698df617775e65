"""Overhead: what sampling costs the target, in CPU and wall time per request, in interleaved pairs with the bare target.

    python benchmarks/overhead.py --pairs 20                  perfkit and py-spy, attached to one target, off and on in turn
    python benchmarks/overhead.py --launched --pairs 8        launched under every profiler, each taking turns with a bare one

Each kind has its limit: 1.05 for what sampling costs, and 1.10 for the whole of perfkit on the loops that talk to a database,
where the probe counts each statement. Those are also told as microseconds a request and a statement: the same loop without
its statements (`…-0`) runs in the same turns.

Attached: one process serves all the time, so that nothing but the profiler differs between the halves of a pair. What a
hundred looks cost may drown in the noise of a shared machine; ten times as many (py-spy 1000 Hz) show ten times of it.
Times are the target's own: `time.process_time()` and the monotonic clock, read with its request counter.
"""

from __future__ import annotations

import argparse
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from bench import circumstances, median_interval, table
from pairing import TARGET, Cost, compare

LIMIT = 1.05
KINDS = ("loop", "deep", "flask", "threads")
# With the probe, which only a launched target has: what the whole of perfkit costs an application that talks to a database.
PROBED = ("flask-sql", "django-sql")
PROBED_LIMIT = 1.10
STATEMENTS = 10
# The same loop without its statements, for what a request costs by itself.
WITHOUT = "-0"
# A profiler that attaches is given this long to start, and is measured after it.
START, HALF = 1.2, 2.0
# Turns of a pair of launched targets. The first seconds are their start, in which perfkit takes twice the samples; lines are
# counted after some seconds of samples, and measured from then on.
TURNS, BEGUN, COUNTING = 16, 3.0, 6.0
BIN = Path(sys.executable).parent


@dataclass
class Served:
    """The accounts of a target: (clock, CPU seconds, seconds in the run queue, requests) ten times a second."""

    marks: list[tuple[float, float, float, int]] = field(default_factory=list)

    def follow(self, lines: Iterator[str]) -> None:
        for line in lines:
            words = line.split()
            # Some profilers write to the target's stdout too.
            if len(words) == 4 and words[3].isdigit():
                self.marks.append((float(words[0]), float(words[1]), float(words[2]), int(words[3])))

    def per_request(self, since: float, until: float) -> Cost:
        """What a request cost between two moments."""
        inside = [mark for mark in self.marks if since <= mark[0] <= until]
        (t0, c0, q0, n0), (t1, c1, q1, n1) = inside[0], inside[-1]
        return Cost(*(seconds / (n1 - n0) for seconds in (c1 - c0, t1 - t0 - (q1 - q0), t1 - t0)))


@dataclass
class Pairs:
    """Ratios of profiled to bare, one a pair, what that is in CPU seconds a request, and how many looks a second perfkit took."""

    ratios: list[Cost] = field(default_factory=list)
    more: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)

    def add(self, with_it: Cost, *bare: Cost) -> None:
        mean = Cost(*(statistics.fmean(values) for values in zip(*bare, strict=True)))
        self.ratios.append(Cost(*(one / other for one, other in zip(with_it, mean, strict=True))))
        self.more.append(with_it.cpu - mean.cpu)

    def cpu(self) -> float:
        return statistics.median(ratio.cpu for ratio in self.ratios)

    def row(self, *names: str) -> list[str]:
        looks = f"{statistics.median(self.looks):.0f}" if self.looks else ""
        cells = [cell for values in zip(*self.ratios, strict=True) for cell in _ratio(values)]
        return [*names, *cells, looks, str(len(self.ratios))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS + PROBED)
    parser.add_argument("--launched", action="store_true")
    parser.add_argument("--only", nargs="+", help="these profilers alone, by name")
    parser.add_argument("--rate", type=int, help="perfkit's --rate, where it is not the default")
    options = parser.parse_args()
    if options.launched and "threads" in options.kinds:
        options.kinds = [kind for kind in options.kinds if kind != "threads"]  # they cannot take turns
    print(circumstances() + "\n")
    rate = ["--rate", str(options.rate)] if options.rate else []
    found = {}
    for kind in options.kinds:
        found[kind] = (
            launched(kind, options.pairs, rate, options.only)
            if options.launched
            else attached(kind, options.pairs, rate)
        )
    rows = [pairs.row(kind, name) for kind, measured in found.items() for name, pairs in measured.items()]
    costs = ("CPU", "95 %", "wall without the run queue", "95 %", "wall", "95 %")
    table(("target", "profiler", *costs, "looks/s", "pairs"), rows)
    for kind, measured in found.items():
        if "perfkit" not in measured:
            continue
        print("\n".join(verdict(kind, measured, probed=options.launched and kind in PROBED)))


def verdict(kind: str, measured: dict[str, Pairs], probed: bool) -> list[str]:
    """Sentences: perfkit against its limit and against each of the others."""
    ours, limit = measured["perfkit"].cpu(), PROBED_LIMIT if probed else LIMIT
    held = "held" if ours <= limit else "not held"
    others = {name: pairs.cpu() for name, pairs in measured.items() if not name.startswith("perfkit")}
    above = [f"{name} {cpu:.2f}×" for name, cpu in others.items() if cpu > ours]
    below = [f"{name} {cpu:.2f}×" for name, cpu in others.items() if cpu <= ours]
    said = [f"- {kind}: perfkit {ours:.3f}× CPU, limit {limit:.2f}×: {held}. Costlier: {', '.join(above) or 'none'}."]
    if below:
        said.append(f"  Cheaper: {', '.join(below)}.")
    if probed and "perfkit" + WITHOUT in measured:
        request, without = (
            statistics.median(measured[name].more) for name in ("perfkit" + WITHOUT, "perfkit --no-probe")
        )
        whole = statistics.median(measured["perfkit"].more)
        said.append(
            f"  {whole * 1e6:.0f} µs a request of {STATEMENTS} statements: {request * 1e6:.0f} µs without them,"
            f" {(whole - request) / STATEMENTS * 1e6:.1f} µs a statement; sampling alone {without * 1e6:.0f} µs."
        )
    return said


def attached(kind: str, pairs: int, rate: Sequence[str]) -> dict[str, Pairs]:
    """On one process: bare, a profiler, bare, the next … Each is compared with the mean of the bare halves around it."""
    measured = {name: Pairs() for name in ("perfkit", "py-spy 100 Hz", "py-spy 1000 Hz")}
    with tempfile.TemporaryDirectory() as folder, serving(kind) as (pid, served):
        time.sleep(START)
        before = _watch(served, [])
        for number in range(pairs):
            for name in random.Random(number).sample(sorted(measured), len(measured)):
                out = Path(folder, f"{name}-{number}")
                words = (
                    _perfkit_attach(pid, out, rate) if name == "perfkit" else _pyspy_attach(pid, out, name.split()[1])
                )
                with_it, after = _watch(served, words), _watch(served, [])
                measured[name].add(with_it, before, after)
                before = after
                if name == "perfkit" and out.exists():
                    measured[name].looks.append(_looks(out))
    return measured


def _watch(served: Served, words: Sequence[str]) -> Cost:
    """One half of a pair. The profiler's start and end are outside of it."""
    profiler = None
    if words:
        profiler = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(START)
    since = time.monotonic()
    time.sleep(HALF)
    until = time.monotonic()
    if profiler is not None:
        if profiler.poll() is not None:
            raise SystemExit(f"{' '.join(words)} ended early with {profiler.returncode}")
        profiler.send_signal(signal.SIGINT)
        profiler.wait(60)
    time.sleep(0.2)
    return served.per_request(since, until)


def _perfkit_attach(pid: int, out: Path, rate: Sequence[str]) -> list[str]:
    words = [sys.executable, "-m", "perfkit", "attach", str(pid), "--duration", "60", "-q", "-o", str(out)]
    return [*words, *rate]


def _pyspy_attach(pid: int, out: Path, rate: str) -> list[str]:
    return [str(BIN / "py-spy"), "record", "-p", str(pid), "-r", rate, "-d", "60", "-f", "raw", "-o", str(out)]


def _looks(recording: Path) -> float:
    from perfkit.recordings import load

    windows = [window for window in load(recording).windows if window.kind == "wall"]
    return sum(window.rounds for window in windows) / sum(window.seconds for window in windows)


@contextmanager
def serving(kind: str) -> Iterator[tuple[int, Served]]:
    """A target under way and its accounts."""
    words = [sys.executable, TARGET, kind, "3600"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    served = Served()
    assert process.stdout is not None
    reader = Thread(target=served.follow, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield process.pid, served
    finally:
        process.terminate()
        process.wait(120)
        reader.join(5)


def launched(kind: str, pairs: int, rate: Sequence[str], only: Sequence[str] | None) -> dict[str, Pairs]:
    """Pairs of fresh processes that take turns, in a new order of the profilers each time; their start is left out."""
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        profilers: dict[str, Sequence[str]] = {
            "perfkit": [python, "-m", "perfkit", "run", "-q", *rate, "-o", f"{folder}/recording", "--", python],
            "perfkit --no-probe": [python, "-m", "perfkit", "run", "-q", "--no-probe", *rate, "-o", f"{folder}/recording", "--", python],
            "py-spy 100 Hz": [str(BIN / "py-spy"), "record", "-r", "100", "-f", "raw", "-o", f"{folder}/raw", "--", python],
            "pyinstrument": [python, "-m", "pyinstrument", "-o", f"{folder}/pyinstrument"],
            "cProfile": [python, "-m", "cProfile", "-o", f"{folder}/cprofile"],
        }  # fmt: skip
        if (BIN / "scalene").exists():
            scalene = [str(BIN / "scalene"), "run", "-o", f"{folder}/scalene.json"]
            profilers |= {"scalene": scalene, "scalene --cpu-only": [*scalene, "--cpu-only"]}
        if "probe alone" in (only or ()):  # what it writes is left where it is
            profilers["probe alone"] = ["env", *_probed(Path(folder, "spool")), python]
        profilers = {name: words for name, words in profilers.items() if not only or name in only}
        without = "perfkit" + WITHOUT
        if kind in PROBED and not only:
            profilers[without] = profilers["perfkit"]
        return beside_bare(kind, profilers, pairs, folder)


def _probed(spool: Path) -> list[str]:
    """Settings with which a target loads the probe, as `perfkit run` sets them."""
    from perfkit.collectors.pyspy import PySpySampler
    from perfkit.pipeline import Options
    from perfkit.pipeline.collecting import PROBE_FOLDER, environment

    spool.mkdir()
    settings = environment(PySpySampler, Options(), str(spool), (str(Path(TARGET).parent),))
    return [f"{name}={value}" for name, value in {**settings, "PYTHONPATH": PROBE_FOLDER}.items()]


def beside_bare(kind: str, profilers: Mapping[str, Sequence[str]], pairs: int, folder: str) -> dict[str, Pairs]:
    """Every profiler in so many pairs with the bare target. `{folder}/recording` is where they may write."""
    measured = {name: Pairs() for name in profilers}
    for number in range(pairs):
        for name in random.Random(number).sample(sorted(profilers), len(profilers)):
            Path(folder, "recording").unlink(missing_ok=True)
            of = kind + WITHOUT if name.endswith(WITHOUT) else kind
            found = compare(of, profilers[name], TURNS, COUNTING if "--lines" in profilers[name] else BEGUN, number)
            if found is not None:
                measured[name].ratios.append(found.ratio)
                measured[name].more.append(found.more)
    for name in [name for name, found in measured.items() if not found.ratios]:
        print(f"{name} is not measured on {kind}: its target answers nothing\n")
        del measured[name]
    return measured


def _ratio(values: Sequence[float]) -> list[str]:
    low, high = median_interval(values)
    return [f"{statistics.median(values):.3f}×", f"{low:.3f}–{high:.3f}"]


if __name__ == "__main__":
    main()
