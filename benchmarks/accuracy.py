"""Accuracy: the shares that each profiler gives to four functions, against what the script itself counted.

    python benchmarks/accuracy.py --runs 5 --seconds 10

The truth of a run is the CPU time that the script read around each kind of work *in an unprofiled run* before and after it:
a profiler that makes some work dearer than other work is wrong about the program as it runs without it.
"""

from __future__ import annotations

import argparse
import json
import pstats
import random
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import circumstances, median_interval, table

TARGET = str(Path(__file__).with_name("accuracy_target.py"))
NAMES = ("arithmetic", "small_calls", "c_calls", "strings")
BIN = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    print(circumstances() + "\n")
    errors: dict[str, list[float]] = {}
    shares: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        before = _truth(place, options.seconds / 2)
        for number in range(options.runs):
            found = {
                name: profiler(place, str(options.seconds))
                for name, profiler in random.Random(number).sample(sorted(PROFILERS.items()), len(PROFILERS))
            }
            after = _truth(place, options.seconds / 2)
            truth = {name: (before[name] + after[name]) / 2 for name in NAMES}
            for name, seen in {**found, "unprofiled, again": after}.items():
                against = before if name == "unprofiled, again" else truth
                errors.setdefault(name, []).append(max(abs(seen[kind] - against[kind]) for kind in NAMES))
                shares.setdefault(name, []).append(seen)
            before = after
    rows = []
    for name in ("unprofiled, again", *PROFILERS):
        low, high = median_interval(errors[name])
        median = statistics.median(errors[name])
        rows.append([name, *(_percent(statistics.median(s[kind] for s in shares[name])) for kind in NAMES)])
        rows[-1] += [f"{median * 100:.1f}", f"{low * 100:.1f}–{high * 100:.1f}"]
    table(("", *(f"`{name}`" for name in NAMES), "largest error, points", "95 %"), rows)
    print(f"{options.runs} runs of {options.seconds:g} s each. A point is 1 % of the time of the four functions.")


def _truth(place: Path, seconds: float) -> dict[str, float]:
    file = place / "truth.json"
    subprocess.run([sys.executable, TARGET, str(seconds), str(file)], check=True)
    return _shares(json.loads(file.read_text()))


def _profile(place: Path, seconds: str, before: Sequence[str]) -> None:
    words = [*before, TARGET, seconds, str(place / "own.json")]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=place)


def perfkit(place: Path, seconds: str) -> dict[str, float]:
    from perfkit.pipeline import report_of

    recording = place / "run.perfkit"
    recording.unlink(missing_ok=True)
    words = [sys.executable, "-m", "perfkit", "run", "-q", "-o", str(recording), "--", sys.executable]
    _profile(place, seconds, words)
    functions = report_of(recording, ()).analysis.functions
    return _shares({f.function: f.total_seconds for f in functions if f.file == TARGET})


def pyspy(place: Path, seconds: str) -> dict[str, float]:
    out = place / "pyspy.raw"
    words = [str(BIN / "py-spy"), "record", "-r", "100", "--full-filenames", "-f", "raw", "-o", str(out), "--"]
    _profile(place, seconds, [*words, sys.executable])
    counted: Counter[str] = Counter()
    for line in out.read_text().splitlines():
        stack, _, n = line.rpartition(" ")
        for name in {frame.partition(" ")[0] for frame in stack.split(";") if TARGET in frame}:
            counted[name] += int(n)
    return _shares(counted)


def pyinstrument(place: Path, seconds: str) -> dict[str, float]:
    out = place / "pyinstrument.json"
    _profile(place, seconds, [sys.executable, "-m", "pyinstrument", "-r", "json", "--show-all", "-o", str(out)])
    counted: Counter[str] = Counter()
    waiting = [json.loads(out.read_text())["root_frame"]]
    while waiting:
        frame = waiting.pop()
        counted[frame["function"]] += frame["time"]
        waiting.extend(frame["children"])
    return _shares(counted)


def cprofile(place: Path, seconds: str) -> dict[str, float]:
    out = place / "cprofile"
    _profile(place, seconds, [sys.executable, "-m", "cProfile", "-o", str(out)])
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(str(out)).stats  # type: ignore[attr-defined]
    return _shares({name: values[3] for (file, _, name), values in stats.items() if file == TARGET})


PROFILERS: dict[str, Callable[[Path, str], dict[str, float]]] = {
    "perfkit": perfkit,
    "py-spy 100 Hz": pyspy,
    "pyinstrument": pyinstrument,
    "cProfile": cprofile,
}


def _shares(seconds: Mapping[str, float]) -> dict[str, float]:
    total = sum(seconds.get(name, 0.0) for name in NAMES)
    return {name: seconds.get(name, 0.0) / total for name in NAMES}


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%"


if __name__ == "__main__":
    main()
