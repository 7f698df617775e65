"""`--engine tachyon`: the sampler that Python 3.15 brings along, run by the target's own interpreter."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from perfkit.recordings import load
from perfkit_command import PROGRAMS, Here, interpreter

TACHYON = ("--engine", "tachyon")
_ELSEWHERE = Path("/opt/sid/py3.15/bin/python3.15")
JOB = """\
import threading
import time


def hot(until):
    while time.monotonic() < until:
        sum(range(1000))


def cold(until):
    time.sleep(until - time.monotonic())


def main():
    until = time.monotonic() + 2
    thread = threading.Thread(target=hot, args=(until,))
    thread.start()
    cold(until)
    thread.join()


main()
print("done")
raise SystemExit(3)
"""


@pytest.fixture
def python() -> str:
    return str(_ELSEWHERE) if _ELSEWHERE.exists() and not shutil.which("python3.15") else interpreter("3.15")


def test_threads_lines_and_seconds(here: Here, python: str) -> None:
    (here.folder / "job.py").write_text(JOB)
    ended = here.run(python, "job.py", options=(*TACHYON, "--rate", "200"))
    assert (ended.code, ended.text) == (3, "done\n"), ended.err
    assert "Measured by tachyon alone." in ended.err
    recording = load(here.recordings[0])
    assert recording.run.engine == "tachyon"
    (process,) = recording.processes
    seconds: dict[tuple[str, int, bool], float] = {}
    main = {thread.id for thread in recording.threads if thread.tid == process.pid}
    for sample in recording.samples:
        frame = [frame for frame in recording.stacks.expand(sample.stack) if frame.origin == "app"][-1]
        key = (frame.function, frame.line, sample.thread in main)
        seconds[key] = seconds.get(key, 0.0) + sample.seconds
        assert frame.file == str(here.folder / "job.py")
    wall = sum(window.seconds for window in recording.windows)
    assert 1.0 < wall < 2.5
    assert seconds["cold", 11, True] == pytest.approx(wall, rel=0.15)
    assert sum(seconds.get(("hot", line, False), 0.0) for line in (6, 7)) == pytest.approx(wall, rel=0.15)
    # The kernel's account tells who computed.
    threads = {thread.id: thread.id in main for thread in recording.threads}
    cpu = {True: 0.0, False: 0.0}
    for usage in recording.thread_usage:
        cpu[threads[usage.thread]] += usage.cpu
    assert cpu[False] > 5 * cpu[True]


def test_duration_and_sigterm_still_write(here: Here, python: str) -> None:
    endless = str(PROGRAMS / "endless.py")
    ended = here.run(python, endless, options=(*TACHYON, "--duration", "1.5"))
    assert ended.code == 0, ended.err
    running = here.start("run", *TACHYON, "--", python, "-u", "-c", f"print('up'); exec(open({endless!r}).read())")
    assert running.stdout and running.stdout.readline() == b"up\n"
    while running.stdout.readline().strip() == b"":
        pass
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert all(len(load(path).samples) for path in here.recordings)


def test_a_target_that_is_killed_leaves_its_samples(here: Here, python: str) -> None:
    (here.folder / "job.py").write_text(
        "import os, time\nuntil = time.monotonic() + 4\nwhile time.monotonic() < until:\n    sum(range(1000))\nos.kill(os.getpid(), 9)\n"
    )
    ended = here.run(python, "job.py", options=TACHYON)
    assert ended.code == 128 + signal.SIGKILL, ended.err
    assert here.report()["findings"]


@pytest.mark.parametrize("version", ["3.9", "3.13"])
def test_an_older_python_is_refused_with_what_to_take(here: Here, version: str) -> None:
    code = "import time\nuntil = time.monotonic() + 0.5\nwhile time.monotonic() < until: pass\nprint('mine')"
    ended = here.run(interpreter(version), "-c", code, options=TACHYON)
    said = ended.error(125)
    assert f"it runs Python {version}, and tachyon comes with Python 3.15" in said
    assert "leave out --engine: py-spy" in said
    assert ended.text == "mine\n"
