"""Real targets, sampled: shares, threads, workers, waiting and coverage as they truly are."""

from __future__ import annotations

import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import pytest

from perfkit.analysis import analyse
from perfkit.findings.interface import View
from perfkit.findings.interval import interval
from perfkit.model.recording import Recording
from perfkit.model.target import Command
from perfkit.pipeline import Options, measure
from perfkit.recordings import load
from perfkit.shared.origin import is_own_probe

pytestmark = [pytest.mark.real, pytest.mark.alone]

SPIN = """
import os, sys, threading, time

def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(200))
"""


def recorded(folder: Path, body: str, options: Options | None = None) -> Recording:
    script = folder / "target.py"
    script.write_text(SPIN + textwrap.dedent(body))
    command = Command((sys.executable, str(script)), sys.executable, str(folder))
    measured = measure(command, options or Options(), folder / "out.sqlite", lambda progress: None)
    assert measured.failure is None, measured.failure
    assert measured.outcome.exit_code == 0
    assert measured.path is not None
    return load(measured.path)


def test_no_window_holds_both_warm_up_and_what_is_measured(tmp_path: Path) -> None:
    (tmp_path / "target.py").write_text(SPIN + "spin(3)")
    command = Command((sys.executable, "target.py"), sys.executable, str(tmp_path))
    measured = measure(command, Options(warmup=1.6), tmp_path / "out.sqlite", lambda progress: None)
    assert measured.path is not None
    recording = load(measured.path)
    begin = 1.6
    assert any(window.start > begin for window in recording.windows)
    # Uncut, the second window would go on for longer than it had lasted by then.
    assert not [w for w in recording.windows if w.start < begin < w.start + w.seconds / 2]


def test_the_probes_own_thread_competes_with_none_of_the_targets(tmp_path: Path) -> None:
    """Who holds the interpreter lock is asked where several threads want it. What follows memory is no thread of the target's."""
    recording = recorded(
        tmp_path,
        """
        class Kept:
            def __init__(self):
                self.parts = []

        for number in range(20_000):  # what a look at them takes is seen by the kernel
            globals()[f"kept_{number}"] = Kept()
        spin(6)
        """,
        Options(memory=True),
    )
    probe = {
        sample.thread for sample in recording.samples if is_own_probe(recording.stacks.expand(sample.stack)[0].file)
    }
    assert len(probe) == 1
    usage = [row.cpu for row in recording.thread_usage if row.thread in probe]
    assert max(usage) > 0.05
    assert {window.kind for window in recording.windows} == {"wall"}


def looks_through(recording: Recording, function: str) -> dict[int, int]:
    """Process → wall looks at stacks that pass through a function."""
    windows = {window.id: window for window in recording.windows if window.kind == "wall"}
    found: defaultdict[int, int] = defaultdict(int)
    for sample in recording.samples:
        frames = recording.stacks.expand(sample.stack)
        if sample.window in windows and any(f.function.rpartition(".")[2] == function for f in frames):
            found[windows[sample.window].process] += sample.n
    return dict(found)


def test_two_functions_get_the_shares_of_their_counted_work(tmp_path: Path) -> None:
    """The target itself measures what each of its functions took on the wall, whatever else the machine does."""
    recording = recorded(
        tmp_path,
        """
        def three(n):
            for _ in range(n):
                sum(range(2000))

        def one(n):
            for _ in range(n):
                sum(range(2000))

        took = [0.0, 0.0]
        for _ in range(150):
            start = time.monotonic()
            three(1500)
            between = time.monotonic()
            one(500)
            took[0] += between - start
            took[1] += time.monotonic() - between
        with open("took.txt", "w") as file:
            file.write(" ".join(map(str, took)))
        """,
    )
    three, one = map(float, (tmp_path / "took.txt").read_text().split())
    analysis = analyse(recording)
    assert analysis.kind == "script"
    view = View(analysis)
    claims = {
        name: {
            time.stack: 1.0 for time in analysis.times if any(f.function == name for f in view.frames(time))
        }
        for name in ("three", "one")
    }  # fmt: skip
    for name, seconds in (("three", three), ("one", one)):
        low, high = interval(view, claims[name])
        assert low <= seconds * 1.1
        assert high >= seconds * 0.9
    share = view.seconds(claims["three"]) / (view.seconds(claims["three"]) + view.seconds(claims["one"]))
    true, looks = three / (three + one), sum(sample.n for sample in recording.samples)
    assert share == pytest.approx(true, abs=5 * (true * (1 - true) / looks) ** 0.5 + 0.02)
    assert share > 0.6
    assert analysis.measured <= recording.run.duration * 1.05


def test_windows_cover_the_run(tmp_path: Path) -> None:
    recording = recorded(tmp_path, "spin(4)\n")
    sampled = sum(sample.seconds for sample in recording.samples)
    assert sampled >= 0.9 * recording.run.duration
    assert sampled <= 1.05 * recording.run.duration


def test_every_thread_is_seen_and_a_sleeping_one_waits(tmp_path: Path) -> None:
    recording = recorded(
        tmp_path,
        """
        def busy():
            spin(2)

        def asleep():
            time.sleep(2)

        def waits(event):
            event.wait(2)

        event = threading.Event()
        threads = [threading.Thread(target=busy, name="busy"), threading.Thread(target=asleep, name="asleep"),
                   threading.Thread(target=waits, args=(event,), name="waits")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
    )
    for function in ("busy", "asleep", "waits"):
        assert looks_through(recording, function), function
    names = {thread.name for thread in recording.threads}
    assert {"busy", "asleep", "waits"} <= names
    analysis = analyse(recording)
    by_function: defaultdict[str, float] = defaultdict(float)
    for time in analysis.times:
        for function in {frame.function for frame in analysis.stacks.expand(time.stack)} & {"busy", "asleep", "waits"}:
            by_function[function] += time.seconds
    assert by_function["busy"] >= 0.6 * analysis.measured
    assert by_function["asleep"] + by_function["waits"] <= 0.1 * analysis.measured
    assert analysis.measured <= recording.run.duration * 1.05


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_every_worker_process_is_seen(tmp_path: Path, method: str) -> None:
    recording = recorded(
        tmp_path,
        f"""
        import multiprocessing

        def first():
            spin(2)

        def second():
            spin(2)

        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            workers = [context.Process(target=first), context.Process(target=second)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        """,
    )
    first, second = looks_through(recording, "first"), looks_through(recording, "second")
    assert first
    assert second
    assert set(first).isdisjoint(second)
    analysis = analyse(recording)
    assert {process.pid for process in analysis.process_times if process.samples} >= {
        process.pid for process in recording.processes if process.id in {*first, *second}
    }
    assert analysis.measured <= recording.run.duration * 1.05
    in_workers = sum(
        time.seconds
        for time in analysis.times
        if {frame.function for frame in analysis.stacks.expand(time.stack)} & {"first", "second"}
    )
    assert in_workers >= 0.6 * analysis.measured


def test_a_child_by_exec_is_followed(tmp_path: Path) -> None:
    (tmp_path / "child.py").write_text(SPIN + "def in_child():\n    spin(2)\n\nin_child()\n")
    recording = recorded(
        tmp_path,
        """
        import subprocess
        subprocess.run([sys.executable, "child.py"], check=True)
        """,
    )
    assert looks_through(recording, "in_child")
