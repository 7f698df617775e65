"""line_profiler through `perfkit run --engine`: exact hits, its seconds ranked, and what is said where it cannot work."""

from __future__ import annotations

import signal
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perfkit.recordings import load
from perfkit_command import PROGRAMS, Here, interpreter

LINES = ("--engine", "line-profiler")
COUNTED = """\
import threading


def leaf(n):
    total = 0
    for i in range(n):
        total += i
    return total


class Shop:
    def twin(self):
        return self.x

    def other_twin(self):
        return self.y

    def serve(self):
        return [leaf(100) for _ in range(10)]


def recursive(n):
    if n:
        recursive(n - 1)
    return n


def closing(x):
    def inner():
        return x

    return [inner() for _ in range(5)]


def numbers(n):
    for i in range(n):
        yield i


def main():
    shop = Shop()
    shop.x = shop.y = 1
    for _ in range(7):
        shop.serve()
    shop.twin()
    shop.other_twin()
    shop.other_twin()
    recursive(5)
    closing(3)
    list(numbers(4))
    for _ in range(3):
        thread = threading.Thread(target=leaf, args=(1000,))
        thread.start()
        thread.join()


main()
"""
SLEEPS = """\
import time


def waits():
    time.sleep(0.4)


def counts():
    return sum(n for n in range(200_000))


def main():
    waits()
    for _ in range(3):
        counts()


main()
"""


@pytest.fixture(params=("3.9", "3.11", "3.13"))
def with_line_profiler(request: pytest.FixtureRequest, environment: Callable[..., Path]) -> str:
    return str(environment(request.param, "line-profiler>=5"))


def counted(report: dict[str, Any]) -> dict[str, dict[int, int]]:
    """Hits by line, of each function by the last part of its name."""
    return {
        zoomed["function"].rpartition(".")[2]: {line["line"]: line["hits"] for line in zoomed["lines"]}
        for zoomed in report["lines"]
    }


def test_every_hit_of_the_projects_functions_is_counted(here: Here, with_line_profiler: str) -> None:
    (here.folder / "job.py").write_text(COUNTED)
    ended = here.run(with_line_profiler, "job.py", options=LINES)
    assert ended.code == 0, ended.err
    hits = counted(here.report())
    calls, turns = 7 * 10 + 3, 7 * 10 * 100 + 3 * 1000
    assert hits["leaf"] == {5: calls, 6: turns + calls, 7: turns, 8: calls}
    # These differ in a name alone, which bytecode does not show.
    assert (hits["twin"], hits["other_twin"]) == ({13: 1}, {16: 2})
    assert hits["recursive"] == {23: 6, 24: 5, 25: 6}
    assert hits["inner"] == {30: 5}
    assert hits["numbers"][37] == 4
    assert hits["main"][44] == 7
    called = {row.function.rpartition(".")[2]: row.calls for row in load(here.recordings[0]).lines}
    assert [called[name] for name in ("leaf", "serve", "recursive", "inner", "main")] == [calls, 7, 6, 5, 1]


def test_modules_that_are_imported_are_counted_and_libraries_are_not(here: Here, with_line_profiler: str) -> None:
    package = here.folder / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "prices.py").write_text("import json\n\n\ndef price(n):\n    return json.loads(json.dumps(n))\n")
    (package / "__main__.py").write_text("from shop.prices import price\n\nfor n in range(90):\n    price(n)\n")
    for _ in range(2):  # from source, then from bytecode
        assert here.run(with_line_profiler, "-m", "shop", options=(*LINES, "-q")).code == 0
        assert counted(here.report())["price"] == {5: 90}
    assert {Path(row.file).parent for row in load(here.recordings[-1]).lines} == {package}


def test_seconds_rank_alone_each_at_the_line_that_spent_it(here: Here, with_line_profiler: str) -> None:
    (here.folder / "job.py").write_text(SLEEPS)
    ended = here.run(with_line_profiler, "job.py", options=LINES)
    assert ended.code == 0, ended.err
    assert "Measured by line-profiler alone" in ended.err
    report = here.report()
    first = report["findings"][0]
    assert (first["where"]["function"], first["where"]["line"]) == ("waits", 5)
    assert 0.4 <= first["cost"]["seconds"] < 0.6
    assert first["cost"]["basis"] == "timed"
    own = {row["function"]: row["self"] for row in report["functions"]}
    # What it called is not its own; and nothing counts twice.
    assert own["main"] + own["<module>"] < 0.2 * own["waits"]
    assert report["accounting"]["measured"] < report["run"]["duration"]
    stacks = here("report", "-f", "collapsed").out.decode()
    assert ";main" in stacks and stacks.index("main") < stacks.index("waits")


def test_it_is_lent_to_the_version_it_is_built_for_and_else_the_line_that_installs_it(
    here: Here, tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    (here.folder / "job.py").write_text(SLEEPS)
    same = str(tmp_path / "bare" / "bin" / "python")
    assert here.run(same, "job.py", options=LINES).code == 0
    assert counted(here.report())["waits"] == {5: 1}
    code = "import sys, time\nfor name in ('line_profiler', 'typing_extensions'):\n    try:\n        __import__(name)\n    except ImportError:\n        print(name)\n"
    assert here.run(same, "-c", code, options=LINES).text == "line_profiler\ntyping_extensions\n"
    subprocess.run([interpreter("3.9"), "-m", "venv", "--without-pip", tmp_path / "other"], check=True)
    other = str(tmp_path / "other" / "bin" / "python")
    said = here.run(other, "-c", "print('mine')", options=LINES)
    assert f"try: {other} -m pip install line-profiler\n" in said.error(125)
    assert said.text == "mine\n"


def test_two_that_nothing_tells_apart_are_left_out(here: Here, environment: Callable[..., Path]) -> None:
    same = "def get(shop):\n    return shop.x\n"
    (here.folder / "one.py").write_text(same)
    (here.folder / "two.py").write_text(same)
    (here.folder / "job.py").write_text(
        "import one, two\nclass Shop: x = 1\ndef all():\n    one.get(Shop); two.get(Shop); two.get(Shop)\nall()\n"
    )
    newer = str(environment("3.13", "line-profiler>=5"))
    assert here.run(newer, "job.py", options=LINES).code == 0
    report = here.report()
    assert "get" not in counted(report)
    assert any(gap["what"] == "lines of 2 functions" for gap in report["gaps"])


def test_exit_code_exception_and_output_are_the_targets(here: Here, with_line_profiler: str) -> None:
    raised = here.run(with_line_profiler, str(PROGRAMS / "raises.py"), options=LINES)
    assert raised.code == 1
    assert raised.err.count("Traceback (most recent call last)") == 1
    assert "perfkit_probe" not in raised.err
    quits = here.folder / "quits.py"
    quits.write_text("import sys\n\n\ndef quits():\n    print('mine')\n    sys.exit(7)\n\n\nquits()\n")
    ended = here.run(with_line_profiler, "quits.py", options=(*LINES, "-q"))
    assert (ended.code, ended.text) == (7, "mine\n")
    assert counted(here.report())["quits"] == {5: 1, 6: 1}


def test_where_no_code_of_the_project_runs_it_says_what_to_do(here: Here, with_line_profiler: str) -> None:
    ended = here.run(with_line_profiler, "-c", "print('mine')", options=LINES)
    said = ended.error(125)
    assert "no code of the project ran in the process that was launched" in said
    assert "take --lines, which follows workers" in said
    assert ended.text == "mine\n"


def test_sigterm_still_writes_and_a_hard_end_leaves_a_reason(here: Here, with_line_profiler: str) -> None:
    script = here.folder / "endless.py"
    script.write_text("def turn():\n    return 1\n\n\nprint('up', flush=True)\nwhile True:\n    turn()\n")
    running = here.start("run", *LINES, "--", with_line_profiler, "endless.py")
    assert running.stdout and running.stdout.readline() == b"up\n"
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM, err
    assert counted(here.report())["turn"][2] > 0
    hard = here.run(with_line_profiler, str(PROGRAMS / "os_exit.py"), options=LINES)
    assert hard.code == 5 and "os._exit" in hard.err


@pytest.mark.parametrize(
    ("engine", "hook"), [("line-profiler", "settrace"), ("memory-profiler", "settrace"), ("memray", "setprofile")]
)
def test_a_tracer_that_is_there_first_is_given_way_to(here: Here, tmp_path: Path, engine: str, hook: str) -> None:
    venv.create(tmp_path / "bare", with_pip=False)
    (site,) = (tmp_path / "bare").glob("lib/python*/site-packages")
    (site / "tracer.pth").write_text(f"import sys; sys.{hook}(lambda *all: None)\n")
    (here.folder / "job.py").write_text("def work():\n    return 1\n\n\nwork()\nprint('mine')\n")
    ended = here.run(str(tmp_path / "bare/bin/python"), "job.py", options=("--engine", engine))
    said = ended.error(125)
    assert "already" in said and "try: measure when it does not run" in said
    assert ended.text == "mine\n"


def test_another_tracer_that_takes_over_is_told(here: Here, with_line_profiler: str) -> None:
    (here.folder / "job.py").write_text(
        "import sys\n\n\ndef work():\n    return 1\n\n\nsys.settrace(lambda *all: None)\n"
        "if hasattr(sys, 'monitoring'):\n    sys.monitoring.free_tool_id(2)\n    sys.monitoring.use_tool_id(2, 'other')\nwork()\n"
    )
    ended = here.run(with_line_profiler, "job.py", options=LINES)
    assert ended.code == 0, ended.err
    gaps = here.report()["gaps"]
    assert any("started a debugger, coverage or a profiler" in gap["why"] for gap in gaps), gaps
