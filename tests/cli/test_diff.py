"""`perfkit diff` on two recordings of a script that was changed between them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from git_repositories import Repository
from perfkit_command import Here

JOB = """
import sqlite3
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")

def steady():
    return sum(len(str(n)) for n in range(1_500_000))

def growing():
    return sum(n % 7 for n in range(ROUNDS))

for number in range(STATEMENTS):
    database.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone()
steady()
growing()
"""


def _record(here: Here, name: str, rounds: int, statements: int) -> None:
    (here.folder / "job.py").write_text(JOB.replace("ROUNDS", str(rounds)).replace("STATEMENTS", str(statements)))
    ended = here.run(sys.executable, "job.py", options=("-q", "-o", name, "--rate", "100"))
    assert ended.code == 0, ended.err


@pytest.fixture
def compared(here: Here) -> dict[str, Any]:
    _record(here, "a.perfkit", 2_000_000, 50)
    _record(here, "b.perfkit", 30_000_000, 80)
    ended = here("diff", "a.perfkit", "b.perfkit", "--format", "json")
    assert ended.code == 0, ended.err
    found: dict[str, Any] = json.loads(ended.out)
    return found


def test_what_changed(here: Here, compared: dict[str, Any]) -> None:
    assert compared["schema"] == "perfkit.diff/1"
    first = compared["functions"][0]
    assert first["where"]["function"].startswith("growing")
    assert first["after"] - first["before"] > first["error"] > 0
    # A machine that is busy at one of the two moments may change the others too, but not by as much.
    assert all(
        abs(one["after"] - one["before"]) < (first["after"] - first["before"]) / 2 for one in compared["functions"][1:]
    )
    (statement,) = compared["statements"]
    assert (statement["before"], statement["after"]) == (50, 80)
    assert statement["where"]["file"] == "job.py"
    shown = here("diff", "a.perfkit", "b.perfkit")
    assert "50 → 80  select name from item where id = ?  job.py:14" in shown.text.lower().replace(
        "job.py:13", "job.py:14"
    )
    assert "growing" in shown.text
    assert "perfkit gate measures both at once" in shown.text


def test_what_cannot_be_compared(here: Here) -> None:
    _record(here, "a.perfkit", 2_000_000, 1)
    assert "would be compared with itself" in here("diff", "a.perfkit", "a.perfkit").error(2)
    assert "no format of a difference named 'jsn'" in here("diff", "a.perfkit", "a.perfkit", "-f", "jsn").error(2)
    assert here("diff", "nothing.perfkit", "a.perfkit").code in (2, 125)


def test_two_revisions_are_run_and_compared(here: Here) -> None:
    job = 'import sqlite3\nfor n in range(NUMBER):\n    sqlite3.connect(":memory:").execute("SELECT 1")\nsum(range(30_000_000))\n'
    repository = Repository(here.folder)
    repository.commit("One", job__py=job.replace("NUMBER", "5"))
    repository.commit("Two", job__py=job.replace("NUMBER", "7"))
    repository.write("job.py", job.replace("NUMBER", "9"))
    command = ("--command", f"{sys.executable} job.py", "-f", "json")
    for words, counts in ((("HEAD~1", "HEAD"), (5, 7)), (("HEAD~1",), (5, 9))):
        ended = here("diff", *words, *command)
        assert ended.code == 0, ended.err
        (statement,) = json.loads(ended.out)["statements"]
        assert (statement["before"], statement["after"]) == counts
    assert len(repository.worktrees()) == 1
    assert "nothing is to be run" in here("diff", "HEAD").error(2)
    assert "close the quote" in here("diff", "HEAD", "--command", "python '").error(2)
    assert "there is no recording named nothing" in here("diff", "nothing").error(2)


def test_into_a_file(here: Here) -> None:
    for name in ("a.perfkit", "b.perfkit"):
        _record(here, name, 2_000_000, 5)
    ended = here("diff", "a.perfkit", "b.perfkit", "-o", "difference.txt")
    assert (ended.code, ended.out) == (0, b"")
    text = (here.folder / "difference.txt").read_text()
    assert "the same, as often" in text
    assert here("diff", "a.perfkit", "b.perfkit", "-o", "difference.html", "-q").code == 0
    page = (here.folder / "difference.html").read_text()
    assert page.startswith("<!doctype html>") and 'id="flame-data"' in page
    assert here("diff", "a.perfkit", "b.perfkit", "-o", "difference.html", "-f", "json", "-q").code == 0
    assert json.loads((here.folder / "difference.html").read_text())["schema"] == "perfkit.diff/1"


def test_schemas(here: Here) -> None:
    assert json.loads(here("schema", "gate").out)["title"] == "perfkit gate"
    assert here("schema").out == here("schema", "report").out
    assert "there is no schema of 'diff'" in here("schema", "diff").error(2)
