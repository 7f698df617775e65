"""A rule, an engine and a report format are each one new file and one line, in the house and as another distribution.

The three are put beside perfkit and used through its command line: the new engine records, the new rule finds, the new
format prints.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import perfkit

SOURCE = Path(perfkit.__file__).parent

ENGINE = '''
"""Room 2: says that every process stands in one function all the time."""

from collections import defaultdict

from perfkit.model.recording import Frame, Sample, Thread, Window


class Steady:
    def __init__(self, context, follow):
        self.context, self.follow = context, follow
        self.cpu, self.measured, self.stack_seconds = 0.0, 0, defaultdict(float)
        self.seen = None

    @staticmethod
    def environment(spool, perfkit_pid):
        return {}

    def poll(self):
        self.seen = self.seen or next(iter(self.follow.alive), None)

    def stop(self):
        if self.seen is None or self.measured:
            return
        sink, file = self.context.sink, self.context.local_path("app.py", self.seen.cwd)
        stack = sink.intern(
            (Frame("<module>", file, 9, "app"), Frame("sleepy", file, 4, "app"))
        )
        sink.thread(Thread(1, self.seen.id, self.seen.pid, "MainThread"))
        window = Window(1, self.seen.id, "wall", 0.0, 5.0, 100.0, 500)
        sink.window(window, [Sample(1, 1, stack, 500, 5.0)], ())
        self.stack_seconds[stack], self.measured = 5.0, 500
'''

RULE = '''
"""Room 6: finds functions that are called sleepy."""

from perfkit.findings.interface import Candidate, place
from perfkit.model.finding import Advice, Confidence


class Sleepy:
    """A function sleeps.

    **What it sees.** Its name.
    """

    name = "sleepy-function"
    summary = "a function sleeps"
    last_resort = False

    def check(self, view):
        for time in view.times:
            leaf = view.frames(time)[-1]
            if leaf.function == "sleepy":
                yield Candidate(
                    rule=self.name,
                    title="sleepy() sleeps",
                    claim={time.stack: 1.0},
                    where=place(leaf),
                    advice=Advice("wake it up"),
                    confidence=Confidence("high", "it says so"),
                )
'''

FORMAT = '''
"""Room 8: findings as comma-separated values."""


def render(report, options):
    return "".join(f"{f.rank},{f.rule},{f.cost.share:.2f}\\n" for f in report.findings)
'''

# room → file, name in the registry, attribute, text, entry-point group
PIECES = {
    "collectors": ("steady", "steady", "Steady", ENGINE, "perfkit.engines"),
    "findings": ("sleepy", "sleepy-function", "Sleepy", RULE, "perfkit.rules"),
    "reports": ("commas", "csv", "render", FORMAT, "perfkit.reports"),
}


def _in_the_house(folder: Path) -> None:
    """One file in its room, and one line in the table of the room's __init__."""
    shutil.copytree(SOURCE, folder / "perfkit", ignore=shutil.ignore_patterns("__pycache__"))
    for room, (file, name, attribute, text, group) in PIECES.items():
        (folder / "perfkit" / room / f"{file}.py").write_text(text)
        init = folder / "perfkit" / room / "__init__.py"
        before, table, after = init.read_text(encoding="utf-8").partition(f'"{group}",\n    {{\n')
        assert table, f"{room} has no table for {group}"
        line = f'        "{name}": "perfkit.{room}.{file}:{attribute}",\n'
        init.write_text(before + table + line + after, encoding="utf-8")


def _as_another_distribution(folder: Path) -> None:
    """One module, and one entry point in its metadata."""
    metadata = folder / "perfkit_more-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: perfkit-more\nVersion: 1.0\n")
    points = ""
    for file, name, attribute, text, group in PIECES.values():
        (folder / f"more_{file}.py").write_text(text)
        points += f"[{group}]\n{name} = more_{file}:{attribute}\n"
    (metadata / "entry_points.txt").write_text(points)


Perfkit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module", params=[_in_the_house, _as_another_distribution], ids=lambda grow: grow.__name__[1:])
def grown(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Perfkit:
    """perfkit with the three beside it, called in a folder of its own, which holds a recording by the new engine."""
    site, here = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("here")
    request.param(site)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PERFKIT_")}
    environment |= {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "perfkit", *words]
        return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=60)

    (here / "app.py").write_text("import sys\nfor line in range(3):\n    print(sum(range(10**6)))\n")
    done = call("run", "--engine", "steady", "-o", "app.perfkit", "--", sys.executable, "app.py")
    assert done.returncode == 0, done.stderr
    return call


def test_the_new_engine_measured_and_the_new_rule_found(grown: Perfkit) -> None:
    done = grown("report", "app.perfkit", "--format", "concise")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("app.py:4: sleepy-function high 5 s (100%) sleepy() sleeps")


def test_the_new_format_prints(grown: Perfkit) -> None:
    done = grown("report", "app.perfkit", "--format", "csv")
    assert (done.returncode, done.stdout) == (0, "1,sleepy-function,1.00\n"), done.stderr


def test_the_new_rule_has_its_page(grown: Perfkit) -> None:
    assert "sleepy-function" in grown("rule").stdout
    page = grown("rule", "sleepy-function").stdout
    assert page.startswith("# sleepy-function") and "**What it sees.** Its name." in page


def test_without_them_their_names_are_unknown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perfkit", "rule", "sleepy-function"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 2 and "no rule named" in done.stderr
