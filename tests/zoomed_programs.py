"""Programs that say in their own comments how often each of their lines runs, and what zoom counted of them.

`# zoom N` beside a function's first line (a decorator's, where it has one) chooses it and says how often it is called, `# N` beside a line of
it how often that line begins. Both are expressions.
"""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

from perfkit.pipeline.collecting import PROBE_FOLDER

_CHOSEN = re.compile(r"# zoom (.+)$")
_HITS = re.compile(r"# ([0-9][0-9 +*]*)$")
_FRAME = """
import json, sys
sys.path.append({probe!r})
from perfkit_probe import zoom_lines
import program
zoom_lines.start({chosen!r})
try:
    program.run()
finally:
    zoom_lines.stop()
print("COUNTED " + json.dumps(zoom_lines.counted()))
if hasattr(program, "after"):
    program.after()
"""


class Program:
    """Stands as `program.py` in a folder; `run()` in it is what is counted, `after()` what runs when that is undone."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "program.py"
        self.path.write_text(textwrap.dedent(text).lstrip())
        self.lines = self.path.read_text().splitlines()

    def chosen(self) -> dict[int, int]:
        """First line: calls."""
        return {n: _number(found[1]) for n, line in enumerate(self.lines, 1) if (found := _CHOSEN.search(line))}

    def hits(self) -> dict[int, int]:
        return {n: _number(found[1]) for n, line in enumerate(self.lines, 1) if (found := _HITS.search(line))}

    def line(self, text: str) -> int:
        """The number of the one line with this text in it."""
        (number,) = [n for n, line in enumerate(self.lines, 1) if text in line]
        return number

    def wanted(self) -> list[list[Any]]:
        return [[str(self.path), line] for line in self.chosen()]

    def run(self, python: str, *options: str, frame: str = _FRAME) -> tuple[str, dict[str, Any]]:
        """What it printed, and what was counted."""
        main = self.path.with_name("main.py")
        main.write_text(frame.format(probe=PROBE_FOLDER, chosen=[tuple(one) for one in self.wanted()]))
        words = [python, *options, str(main)]
        done = subprocess.run(words, cwd=main.parent, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        printed, _, rest = done.stdout.partition("COUNTED ")
        first, _, last = rest.partition("\n")
        return printed + last + done.stderr, json.loads(first)


def _number(text: str) -> int:
    return sum(_product(part) for part in text.split("+"))


def _product(text: str) -> int:
    product = 1
    for factor in text.split("*"):
        product *= int(factor)
    return product


def hits(counted: dict[str, Any]) -> dict[int, int]:
    return {line: hits for function in counted["functions"] for line, hits, _ in function["lines"]}


def seconds(counted: dict[str, Any]) -> dict[int, float]:
    return {line: seconds for function in counted["functions"] for line, _, seconds in function["lines"]}


def calls(counted: dict[str, Any]) -> dict[int, int]:
    return {function["line"]: function["calls"] for function in counted["functions"]}
