"""What is brought into a running program runs exactly once, and the program goes on as if nothing had been there."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from injected import ATTACHES, KINDS, Run, pages, until, until_it_says

from perfkit.collectors.injection import Refused, inject

pytestmark = pytest.mark.real


@pytest.mark.parametrize("kind", KINDS)
def test_it_runs_once_each_time(run: Run, spool: Path, python: str, kind: str) -> None:
    program = run(python, KINDS[kind])
    for number in range(1, ATTACHES + 1):
        assert program.inject(spool) in ("ptrace", "remote_exec")
        assert program.runs() == number
    names = program.finish()
    assert program.runs() == ATTACHES
    assert "over" in names and "file" not in names


def test_one_long_sleep_ends_when_it_would_have(run: Run, spool: Path, python: str) -> None:
    program = run(
        python, "import time\nbefore = time.monotonic()\ntime.sleep(1.5)\nassert 1.5 <= time.monotonic() - before < 30"
    )
    program.inject(spool)
    program.finish()
    assert program.runs() == 1


def test_the_memory_that_it_lent_is_given_back(run: Run, spool: Path, some_python: str) -> None:
    for kind in ("sleeps", "burns"):
        program = run(some_python, KINDS[kind])
        before = pages(program.pid)
        for _ in range(3):
            program.inject(spool)
        until(lambda: pages(program.pid) == before)  # noqa: B023
        program.finish()


def test_a_signal_reaches_its_handler_afterwards(run: Run, spool: Path, python: str) -> None:
    """With the mask, the alternative stack and the floating-point state that the thread had."""
    body = """
import faulthandler, signal, time
faulthandler.enable()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
got = []
signal.signal(signal.SIGUSR1, lambda *_: got.append(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
print("ready", flush=True)
while not over():
    time.sleep(0.01)
    if got:
        print(signal.SIGUSR2 in got.pop(), flush=True)
"""
    program = run(python, body)
    until_it_says(program, "ready")
    for _ in range(3):
        program.inject(spool)
        program.process.send_signal(signal.SIGUSR1)
        until_it_says(program, "True")
    program.finish()


def test_what_runs_has_names_of_its_own_and_is_in_the_main_thread(run: Run, spool: Path, python: str) -> None:
    program = run(python, KINDS["allocates"])
    seen = program.folder / "seen"
    source = f"""
import json, sys, threading
main = threading.current_thread() is threading.main_thread()
with open({str(seen)!r}, "w") as file:
    json.dump([sys.version_info[:2], main, __name__, "over" in globals(), "größe 😀"], file)
"""
    inject(program.pid, source, spool=str(spool), timeout=60)
    version, *rest = json.loads(seen.read_text())
    assert rest == [True, "__perfkit__", False, "größe 😀"]
    assert tuple(version) >= (3, 9)
    assert "json" not in program.finish()


@pytest.mark.parametrize("source", ["1 / 0", "raise SystemExit(3)", "def", "\0", "import nothing_like_this"])
def test_what_it_raises_is_told_to_us_and_not_to_the_program(
    run: Run, spool: Path, some_python: str, source: str
) -> None:
    for kind in ("sleeps", "burns"):
        program = run(some_python, KINDS[kind])
        with pytest.raises(Refused, match=r"raised (ZeroDivision|SystemExit|Syntax|Value|ModuleNotFound)"):
            inject(program.pid, source, spool=str(spool), timeout=60)
        assert program.inject(spool) == "ptrace"
        program.finish()


def test_a_long_source(run: Run, spool: Path, some_python: str) -> None:
    program = run(some_python, KINDS["burns"])
    source = f"{program.payload}\nlong = {'x' * 100_000!r}\n"
    inject(program.pid, source, spool=str(spool), timeout=60)
    program.finish()
    assert program.runs() == 1


def test_not_inside_an_import(run: Run, spool: Path, some_python: str) -> None:
    """Where modules are only half there, and would be so for what is brought in as well."""
    half = "import time\nprint('importing', flush=True)\nlimit = time.monotonic() + 0.7\nwhile time.monotonic() < limit: {}\nwhole = True\n"
    for waiting in ("pass", "time.sleep(0.005)"):
        folder = spool / waiting
        folder.mkdir()
        (folder / "half_there.py").write_text(half.format(waiting))
        program = run(some_python, f"sys.path.insert(0, {str(folder)!r})\nimport half_there\n{KINDS['sleeps']}")
        until_it_says(program, "importing")
        inject(program.pid, f"import half_there\nhalf_there.whole\n{program.payload}", spool=str(spool), timeout=60)
        program.finish()
        assert program.runs() == 1


def test_a_program_that_runs_inside_an_import(run: Run, spool: Path, some_python: str) -> None:
    folder = spool / "modules"
    folder.mkdir()
    (folder / "whole_program.py").write_text(f"from __main__ import over\n{KINDS['sleeps']}")
    program = run(some_python, f"sys.path.insert(0, {str(folder)!r})\nimport whole_program")
    assert program.inject(spool, timeout=2) == "ptrace"
    program.finish()
    assert program.runs() == 1


def test_children_that_are_forked_meanwhile_do_not_run_it(run: Run, spool: Path, some_python: str) -> None:
    body = """
while not over():
    child = os.fork()
    if child == 0:
        for _ in range(200):
            str(_)
        os._exit(0)
    os.waitpid(child, 0)
"""
    program = run(some_python, body)
    source = program.payload.replace("b'x'", f"b'x' if os.getpid() == {program.pid} else b'child'")
    for _ in range(ATTACHES):
        inject(program.pid, source, spool=str(spool), timeout=60)
    program.finish()
    assert program.runs() == ATTACHES


def test_several_at_the_same_time(run: Run, spool: Path, some_python: str) -> None:
    """One waits until the other has let go."""
    from concurrent.futures import ThreadPoolExecutor

    program = run(some_python, KINDS["sleeps"])
    with ThreadPoolExecutor(3) as pool:
        paths = list(pool.map(lambda _: program.inject(spool), range(6)))
    assert paths == ["ptrace"] * 6
    program.finish()
    assert program.runs() == 6


def test_into_the_python_of_the_system(run: Run, spool: Path) -> None:
    """Which has CPython in the program itself, not in a library."""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("/usr/bin/python3 is not installed")
    program = run("/usr/bin/python3", KINDS["joins"])
    program.inject(spool)
    program.finish()
    assert program.runs() == 1


def test_into_the_same_python(run: Run, spool: Path) -> None:
    program = run(sys.executable, KINDS["burns"])
    program.inject(spool)
    program.finish()
    assert program.runs() == 1
