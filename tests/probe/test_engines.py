"""cProfile and pyinstrument through `perfkit run --engine`, in interpreters that have nothing of ours installed."""

from __future__ import annotations

import signal
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.recordings import load
from perfkit_command import CONSOLE_SCRIPT, PROGRAMS, Here, Terminal, interpreter

ENGINES = ("cprofile", "pyinstrument")
COMPUTES = str(PROGRAMS / "computes.py")


def measured_or_said(ended_code: int, err: str, engine: str) -> bool:
    """Whether there is a profile. pyinstrument lends itself only to the version that it is built for: then a clear gap."""
    if engine == "pyinstrument" and ended_code == 125:
        assert "pyinstrument is not installed for" in err
        assert "-m pip install pyinstrument" in err
        assert "Traceback" not in err
        return False
    return True


@pytest.mark.parametrize("engine", ENGINES)
def test_a_script(here: Here, some_python: str, engine: str) -> None:
    ended = here.run(some_python, COMPUTES, options=["--engine", engine])
    assert ended.text == "computed\n"
    if not measured_or_said(ended.code, ended.err, engine):
        return
    assert ended.code == 0, ended.err
    report = here.report()
    assert report["run"]["engine"] == engine
    rows = [row for row in report["functions"] if row["function"].endswith("compute")]
    assert rows and rows[0]["total"] > 0
    assert Path(rows[0]["file"]).name == "computes.py"


def test_pyinstrument_is_lent_to_the_version_it_is_built_for(here: Here, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    ended = here.run(python, COMPUTES, options=["--engine", "pyinstrument"])
    assert ended.code == 0, ended.err
    assert here.report()["run"]["engine"] == "pyinstrument"
    code = "import sys, time\nwhile time.process_time() < .3: pass\nprint([p for p in sys.path if p.endswith('/lent')])"
    assert here.run(python, "-c", code, options=["--engine", "pyinstrument"]).text == "[]\n"


def test_calls_are_counted_exactly(here: Here, some_python: str) -> None:
    script = here.folder / "calls.py"
    script.write_text(
        "def leaf():\n    pass\n\ndef twig():\n    for _ in range(7):\n        leaf()\n\nfor _ in range(3):\n    twig()\n"
        "def down(n):\n    return n and down(n - 1)\n\ndown(9)\n"
    )
    assert here.run(some_python, "calls.py", options=["--engine", "cprofile"]).code == 0
    calls = {
        (call.caller.function if call.caller else None, call.callee.function): (call.calls, call.primitive_calls)
        for call in load(here.recordings[0]).calls
    }
    assert calls["twig", "leaf"] == (21, 21)
    assert calls["<module>", "twig"] == (3, 3)
    # cProfile counts the first call of an edge as no recursion.
    assert calls["down", "down"] == (9, 1)


@pytest.mark.parametrize("how", ["threading", "_thread"])
def test_cprofile_refuses_threads_and_leaves_the_target_alone(here: Here, some_python: str, how: str) -> None:
    start = {
        "threading": "threading.Thread(target=done.wait, daemon=True).start()",
        "_thread": "_thread.start_new_thread(lambda: (begun.set(), done.wait()), ()); begun.wait()",
    }[how]
    code = f"import threading, _thread, sys\ndone, begun = threading.Event(), threading.Event()\n{start}\nprint('mine')\nsys.exit(int(sys.argv[1]))"
    refused = here.run(some_python, "-c", code, "0", options=["--engine", "cprofile"])
    assert "the target started threads" in refused.error(125)
    assert "leave out --engine" in refused.err
    assert refused.text == "mine\n"
    own = here.run(some_python, "-c", code, "4", options=["--engine", "cprofile"])
    assert (own.code, own.text) == (4, "mine\n")
    assert here.recordings == []


@pytest.mark.parametrize("engine", ENGINES)
def test_an_exception_and_its_exit_code_are_the_targets(here: Here, some_python: str, engine: str) -> None:
    raised = here.run(some_python, str(PROGRAMS / "raises.py"), options=["--engine", engine])
    assert raised.code == 1
    assert raised.err.count("Traceback (most recent call last)") == 1
    assert "perfkit_probe" not in raised.err


@pytest.mark.parametrize("engine", ENGINES)
def test_sigterm_and_duration_still_write(here: Here, engine: str) -> None:
    python = interpreter("3.11")
    ended = here.run(python, COMPUTES, "1000", options=["--engine", engine, "--duration", "1"])
    assert ended.code == 0, ended.err
    running = here.start(
        "run", "--engine", engine, "--", python, "-u", "-c", f"print('up'); exec(open({COMPUTES!r}).read())", "1000"
    )
    assert running.stdout and running.stdout.readline() == b"up\n"
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM, err
    assert len(here.recordings) == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_still_writes(here: Here, terminal: Callable[..., Terminal], engine: str) -> None:
    words = [str(CONSOLE_SCRIPT), "run", "--engine", engine, "--", interpreter("3.11"), str(PROGRAMS / "endless.py")]
    running = terminal(words, here.folder)
    running.read_until(r"(?m)^\d+\r")
    running.type("\x03")
    assert running.end() == 130
    assert "1 SIGINT" in running.shown
    assert len(here.recordings) == 1


def test_os_exit_leaves_a_reason(here: Here, some_python: str) -> None:
    ended = here.run(some_python, str(PROGRAMS / "os_exit.py"), options=["--engine", "cprofile"])
    assert ended.code == 5
    assert "os._exit" in ended.err


def test_an_interpreter_that_ignores_the_environment_leaves_a_reason(here: Here, some_python: str) -> None:
    ended = here.run(some_python, "-I", COMPUTES, options=["--engine", "cprofile"])
    assert "ignores PYTHONPATH" in ended.error(125)
    assert ended.text == "computed\n"
