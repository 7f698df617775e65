"""memory_profiler and memray through `perfkit run --engine`: known bytes at known lines, ranked in the list of memory."""

from __future__ import annotations

import socket
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfkit_command import PROGRAMS, Here, interpreter

MB = 1_000_000
TAKES = """\
KEPT = []


def keeps():
    rows = b"x" * 300_000_000
    KEPT.append(rows)
    return len(rows)


def passes():
    text = b"y" * 80_000_000
    return len(text)


def numbers(n):
    for i in range(n):
        yield i


def main():
    keeps()
    for _ in range(3):
        passes()
    return sum(numbers(10))


main()
print("done")
"""
BY_LINE = ("--engine", "memory-profiler")


@pytest.fixture(params=("3.9", "3.11", "3.13"))
def with_memory_profiler(request: pytest.FixtureRequest, environment: Callable[..., Path]) -> str:
    return str(environment(request.param, "memory-profiler"))


def took(report: dict[str, Any]) -> dict[tuple[str, int], tuple[int, int, int]]:
    """(function, line) → hits, bytes, peak."""
    rows = report["memory"]["lines"]
    return {(row["function"].rpartition(".")[2], row["line"]): (row["hits"], row["bytes"], row["peak"]) for row in rows}


def test_a_line_of_300_mb_is_named_and_what_it_called_is_not_its_own(here: Here, with_memory_profiler: str) -> None:
    (here.folder / "job.py").write_text(TAKES)
    ended = here.run(with_memory_profiler, "job.py", options=BY_LINE)
    assert (ended.code, ended.text) == (0, "done\n"), ended.err
    assert "Memory was measured, and no time." in ended.err
    report = here.report()
    first, second = report["memory"]["findings"]
    assert (first["where"]["function"], first["where"]["line"]) == ("keeps", 5)
    assert first["bytes"] == pytest.approx(300 * MB, rel=0.02)
    assert (second["where"]["function"], second["where"]["line"]) == ("passes", 11)
    found = took(report)
    hits, all_runs, most = found["passes", 11]
    assert hits == 3 and most == pytest.approx(80 * MB, rel=0.02) and all_runs == pytest.approx(240 * MB, rel=0.02)
    # Lines of main called both, and took nothing themselves.
    assert all(most < 4 * MB for (function, _), (_, _, most) in found.items() if function in ("main", "<module>"))
    assert max(used["bytes"] for used in report["memory"]["total"]) > 250 * MB


def test_what_memory_profiler_cannot_follow_is_a_gap(here: Here, with_memory_profiler: str) -> None:
    (here.folder / "job.py").write_text(
        "import threading\n" + TAKES.replace("300_", "5_").replace("80_", "1_") + "\n"
        "thread = threading.Thread(target=passes)\nthread.start()\nthread.join()\n"
    )
    assert here.run(with_memory_profiler, "job.py", options=(*BY_LINE, "-q")).code == 0
    gaps = {gap["what"]: gap for gap in here.report()["gaps"]}
    assert "--engine memray" in gaps["bytes of lines of numbers"]["remedy"]
    assert "one thread" in gaps["bytes of lines in other threads"]["why"]
    hits, _, _ = took(here.report())["passes", 12]
    assert hits == 3


def test_what_runs_often_and_takes_nothing_is_left_alone_and_said(here: Here, with_memory_profiler: str) -> None:
    (here.folder / "job.py").write_text(
        "KEPT = []\n\n\ndef small(n):\n    total = n\n    return total\n\n\n"
        "def main():\n    for n in range(30_000):\n        small(n)\n    KEPT.append(b'x' * 90_000_000)\n\n\n"
        "def grows():\n    for n in range(30_000):\n        KEPT.append(bytes(1000))\n\n\nmain()\ngrows()\n"
    )
    assert here.run(with_memory_profiler, "job.py", options=(*BY_LINE, "-q")).code == 0
    report = here.report()
    found = took(report)
    # Lines that are followed no longer count for where their function begins; what grows is followed to its end.
    assert found["main", 9][2] == pytest.approx(90 * MB, rel=0.02)
    assert found["grows", 17][0] == 30_000
    assert found["grows", 17][1] == pytest.approx(30 * MB, rel=0.2)
    gap = next(gap for gap in report["gaps"] if gap["what"].startswith("bytes of later runs of"))
    assert "small" in gap["what"] and "main" in gap["what"] and "grows" not in gap["what"]


def test_memory_profiler_is_lent_and_leaves_no_trace(here: Here, tmp_path: Path) -> None:
    """It is Python alone, and psutil is built for all versions at once."""
    (here.folder / "job.py").write_text(
        TAKES + "import sys\nprint([name for name in sys.modules if name in ('memory_profiler', 'psutil')])\n"
    )
    for version in ("3.9", "3.13"):
        folder = tmp_path / version
        subprocess.run([interpreter(version), "-m", "venv", "--without-pip", folder], check=True)
        ended = here.run(str(folder / "bin/python"), "job.py", options=(*BY_LINE, "-q"))
        assert (ended.code, ended.text) == (0, "done\n[]\n"), ended.err
        assert took(here.report())["keeps", 5][0] == 1


def test_exit_code_output_and_a_hard_end(here: Here, with_memory_profiler: str) -> None:
    raised = here.run(with_memory_profiler, str(PROGRAMS / "raises.py"), options=BY_LINE)
    assert raised.code == 1
    assert raised.err.count("Traceback (most recent call last)") == 1
    assert "perfkit_probe" not in raised.err
    hard = here.run(with_memory_profiler, str(PROGRAMS / "os_exit.py"), options=BY_LINE)
    assert hard.code == 5 and "os._exit" in hard.err


MEMRAY = ("--engine", "memray")


@pytest.fixture(params=("3.9", "3.11", "3.13"))
def with_memray(request: pytest.FixtureRequest, environment: Callable[..., Path]) -> str:
    return str(environment(request.param, "memray>=1.13"))


def test_memray_names_what_stood_at_the_highest_moment(here: Here, with_memray: str) -> None:
    (here.folder / "job.py").write_text(TAKES)
    ended = here.run(with_memray, "job.py", options=MEMRAY)
    assert (ended.code, ended.text) == (0, "done\n"), ended.err
    report = here.report()
    first, second = report["memory"]["findings"]
    assert (first["where"]["function"], first["where"]["line"]) == ("keeps", 5)
    assert (second["where"]["function"], second["where"]["line"]) == ("passes", 11)
    rows = {(row["function"], row["line"]): row for row in report["memory"]["lines"]}
    kept, passed = rows["keeps", 5], rows["passes", 11]
    assert (kept["hits"], passed["hits"]) == (1, 1)
    assert 300 * MB <= kept["bytes"] < 300 * MB + 4096
    assert 80 * MB <= passed["bytes"] < 80 * MB + 4096
    assert [frame["function"] for frame in kept["stack"]] == ["<module>", "main", "keeps"]


def test_memray_charges_the_projects_line_for_what_a_library_allocates(here: Here, with_memray: str) -> None:
    (here.folder / "job.py").write_text(
        "import io, threading\n\n\ndef reads():\n    whole = io.StringIO('x' * 5_000_000)\n"
        "    return whole.readlines() + [json.dumps('y' * 30_000_000)]\n\n\n"
        "import json\n\nthread = threading.Thread(target=reads)\nthread.start()\nthread.join()\n"
    )
    assert here.run(with_memray, "job.py", options=(*MEMRAY, "-q")).code == 0
    (row, *_) = here.report()["memory"]["lines"]
    assert (row["function"], row["line"]) == ("reads", 6)
    assert "dumps" in [frame["function"] for frame in row["stack"]]


def test_forked_and_killed_processes_leave_what_they_allocated(here: Here, with_memray: str) -> None:
    (here.folder / "job.py").write_text(
        "import os\n\n\ndef keeps():\n    return b'x' * 200_000_000\n\n\n"
        "def child():\n    rows = b'y' * 50_000_000\n    os._exit(0)\n\n\n"
        "rows = keeps()\nif os.fork() == 0:\n    child()\nos.wait()\nos.kill(os.getpid(), 9)\n"
    )
    ended = here.run(with_memray, "job.py", options=(*MEMRAY, "-q"))
    assert ended.code == 128 + 9, ended.err
    found = took(here.report())
    assert found["keeps", 5][2] == pytest.approx(200 * MB, rel=0.01)
    assert found["child", 9][2] == pytest.approx(50 * MB, rel=0.01)


def test_memray_follows_the_workers_of_a_server(here: Here) -> None:
    pytest.importorskip("memray", reason="memray is not installed")
    (here.folder / "shop.py").write_text(
        "KEPT = []\n\n\ndef app(environ, start):\n    KEPT.append(bytes(1_000_000))\n"
        "    start('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = (sys.executable, "-m", "gunicorn", "--no-control-socket", "-w", "2", "-b", f"127.0.0.1:{port}", "shop:app")
    load = (f"--load=http://127.0.0.1:{port}/", "--requests=60")
    ended = here.run(*words, options=(*MEMRAY, "-q", *load))
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    row = next(row for row in here.report()["memory"]["lines"] if row["function"] == "app")
    # Requests of the load that were under way at its end may be there too.
    assert row["line"] == 5 and 60 <= row["hits"] <= 70
    assert 60 * MB <= row["bytes"] < 71 * MB


def test_memray_that_is_missing_is_a_line_that_installs_it(here: Here, tmp_path: Path) -> None:
    subprocess.run([interpreter("3.9"), "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = str(tmp_path / "bare/bin/python")
    ended = here.run(python, "-c", "print('mine')", options=MEMRAY)
    assert f"try: {python} -m pip install memray\n" in ended.error(125)
    assert ended.text == "mine\n"


def test_memray_is_lent_to_the_version_it_is_built_for(here: Here, tmp_path: Path) -> None:
    pytest.importorskip("memray", reason="memray is not installed")
    venv.create(tmp_path / "bare", with_pip=False)
    (here.folder / "job.py").write_text(
        TAKES + "import sys\nprint([name for name in sys.modules if name in ('memray', 'rich')])\n"
    )
    ended = here.run(str(tmp_path / "bare/bin/python"), "job.py", options=(*MEMRAY, "-q"))
    assert (ended.code, ended.text) == (0, "done\n[]\n"), ended.err
    assert took(here.report())["keeps", 5][0] == 1


def test_exit_code_and_traceback_are_the_targets_under_memray(here: Here, with_memray: str) -> None:
    raised = here.run(with_memray, str(PROGRAMS / "raises.py"), options=MEMRAY)
    assert raised.code == 1
    assert raised.err.count("Traceback (most recent call last)") == 1
    assert "perfkit_probe" not in raised.err
