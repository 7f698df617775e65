"""Reports of a large recording: seconds and memory by stage, and the size of each format.

    python benchmarks/report.py --samples 1000000
    python benchmarks/report.py --keep big.perfkit && perfkit run -- python -m perfkit report big.perfkit -f json -o x.json

The recording is made up: a server of 4 processes with 8 threads each, stacks of 20 to 45 frames from 3,000 functions.
"""

from __future__ import annotations

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from bench import circumstances, table

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.recording import Frame, Process, Run, Sample, SourceText, Stack, Thread, Window
from perfkit.pipeline import render, report_of
from perfkit.recordings import Writer, load
from perfkit.reports import FORMATS

PROCESSES, THREADS, FUNCTIONS, STACKS, PER_WINDOW = 4, 8, 3000, 20_000, 1600
SECONDS = 4.0
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the recording here")
    options = parser.parse_args()
    print(circumstances() + "\n")
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder, "big.perfkit")
        rows: list[list[str]] = []
        timed(rows, "write", lambda: write(path, options.samples))
        rows[-1][3] = f"{path.stat().st_size / 1e6:.1f} MB"
        recording = timed(rows, "load", lambda: load(path))
        analysis = timed(rows, "analyse", lambda: analyse(recording))
        timed(rows, "judge", lambda: judge(analysis, (), date.today()))
        report = report_of(path, ())
        for name in FORMATS:
            text = timed(rows, f"render {name}", lambda name=name: render(report, name))
            rows[-1][3] = f"{len(text.encode()) / 1e6:.2f} MB"
    print(
        f"{options.samples:,} samples, {len(recording.stacks):,} nodes of stacks, {len(recording.windows):,} windows\n"
    )
    table(("stage", "CPU", "peak memory so far", "size"), rows)


def timed(rows: list[list[str]], stage: str, work: Callable[[], T]) -> T:
    started = time.process_time()
    result = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    rows.append([stage, f"{time.process_time() - started:.2f} s", f"{peak:.0f} MB", ""])
    return result


def write(path: Path, samples: int) -> None:
    """A sealed recording of that many samples, one row each."""
    draw = random.Random(1)
    stacks = [_stack(draw) for _ in range(STACKS)]
    weights = [1 / (rank + 1) for rank in range(STACKS)]
    windows = max(1, samples // PER_WINDOW)
    duration = windows / PROCESSES * SECONDS
    run = Run(
        "0.1.0", "run", "py-spy", "gunicorn shop:app", "/srv/shop", ("/srv/shop",), time.time(), duration, 100.0, 2, ""
    )
    writer = Writer(path, run, overwrite=True)
    for process in range(1, PROCESSES + 1):
        writer.process(Process(process, 1000 + process, 1, "gunicorn shop:app", "3.11", 0.0, None, "/srv/shop"))
        for thread in range(THREADS):
            writer.thread(Thread(process * 100 + thread, process, process * 100 + thread, f"worker {thread}"))
    ids = [writer.intern(stack) for stack in stacks]
    for number in range(windows):
        process, start = number % PROCESSES + 1, number // PROCESSES * SECONDS
        count = min(PER_WINDOW, samples - number * PER_WINDOW)
        per_look = SECONDS * THREADS / count
        chosen = draw.choices(ids, weights, k=count)
        rows = [
            Sample(number + 1, process * 100 + place % THREADS, stack, 1, per_look)
            for place, stack in enumerate(chosen)
        ]
        writer.window(Window(number + 1, process, "wall", start, SECONDS, 100.0, count // THREADS), rows)
    for module in range(FUNCTIONS // 100):
        text = "def work(rows):\n    for row in rows:\n        yield row\n"
        writer.source(SourceText(f"/srv/shop/module{module}.py", 1, text))
    writer.seal(run)


def _stack(draw: random.Random) -> Stack:
    site = "/srv/venv/lib/python3.11/site-packages"
    above = [
        Frame("Thread._bootstrap", "/usr/lib/python3.11/threading.py", 1002, "stdlib"),
        Frame("ThreadWorker.handle_request", f"{site}/gunicorn/workers/gthread.py", 288, "library"),
        Frame("Flask.wsgi_app", f"{site}/flask/app.py", 1511, "library"),
        Frame("Flask.dispatch_request", f"{site}/flask/app.py", 919, "library"),
        Frame(f"endpoint{draw.randrange(40)}", "/srv/shop/views.py", 10, "app"),
    ]
    below = (_frame(draw.randrange(FUNCTIONS), draw, site) for _ in range(draw.randrange(15, 40)))
    return (*above, *below)


def _frame(number: int, draw: random.Random, site: str) -> Frame:
    line = number * 10 % 5000 + draw.randrange(4)
    if number % 3:
        return Frame(f"function{number}", f"{site}/package{number % 40}/module{number % 100}.py", line, "library")
    return Frame(f"function{number}", f"/srv/shop/module{number % 100}.py", line, "app")


if __name__ == "__main__":
    main()
