"""Baselines that are kept, and what becomes of failures: `perfkit gate record`, `explain`, `accept` and `history`, on a real script."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest

from git_repositories import Repository
from perfkit_command import Ended, Here

JOB = """
import sqlite3

database = sqlite3.connect(":memory:")


def ask(number):
    return database.execute("SELECT ?", (number,)).fetchall()


for number in range(5):
    ask(number)
"""
MORE = JOB.replace("range(5)", "range(8)")
COMMAND = ("--", sys.executable, "job.py")
KEY = "(the whole run) queries"


@pytest.fixture
def repository(here: Here) -> Repository:
    made = Repository(here.folder)
    made.write(".gitignore", "__pycache__\n*.json\n")
    made.commit("The job", job__py=JOB)
    return made


def _record(here: Here, *options: str) -> Ended:
    ended = here("gate", "record", *options, *COMMAND)
    assert ended.code == 0, ended.err
    return ended


@pytest.mark.parametrize("where", ["perfkit-baseline.json", "notes", "cache/", "run.perfkit"])
def test_wherever_it_is_kept_more_is_more(here: Here, repository: Repository, where: str) -> None:
    if where == "run.perfkit":
        repository.commit("The job, and a rest", job__py=JOB + "import time; time.sleep(1)\n")
        assert here("run", "-o", where, "-q", *COMMAND).code == 0
    elif where == "notes":
        assert "a note on" in _record(here, "--notes").err
    else:
        (here.folder / "cache").mkdir()
        _record(here, "-o", where)
    commit = repository.commit("More of it", job__py=MORE)
    ended = here("gate", "--baseline", where, *COMMAND)
    assert ended.code == 1, ended.err
    assert "FAIL  (the whole run) runs 8 queries, was 5" in ended.err
    assert "8 times, 5 times before: SELECT ?" in ended.err
    assert "times are not compared with a baseline that was stored" in ended.err
    if where == "run.perfkit":
        assert "imports 0" not in ended.err
    else:
        assert f"changed in {commit[:9]}" in ended.err
    repository.commit("Less again", job__py=JOB)
    assert here("gate", "--baseline", where, *COMMAND).code == 0


def test_a_failure_is_explained_and_accepted_until_it_is_merged(here: Here, repository: Repository) -> None:
    assert "no gate has been run here yet" in here("gate", "explain").error(3)
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("More of it", job__py=MORE)
    gate = ("gate", "--baseline", "main", "--no-times", *COMMAND)
    assert here(*gate).code == 1
    told = here("gate", "explain").text
    assert "(the whole run) runs 8 queries, was 5" in told
    assert "+for number in range(8):" in told
    assert "5 → 8  statement SELECT ?" in told
    assert "the last gate did not fail for 'rows'" in here("gate", "accept", "rows", "--reason", "x").error(2)
    assert "a reason is missing" in here("gate", "accept", KEY).error(2)
    assert "say what is accepted" in here("gate", "accept", "--reason", "x").error(2)
    assert "accepted (the whole run) queries up to 8" in here("gate", "accept", KEY, "--reason", "eight are needed").err
    ended = here("gate", "--report", "json=verdict.json", *gate[1:])
    assert ended.code == 0, ended.err
    assert "accepted (the whole run) runs 8 queries, was 5: eight are needed" in ended.err
    assert json.loads((here.folder / "verdict.json").read_text())["accepted"][0]["reason"] == "eight are needed"
    repository.commit("Even more", job__py=MORE.replace("range(8)", "range(9)"))
    assert here(*gate).code == 1
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "feature")
    repository.git("checkout", "-q", "-b", "next")
    repository.commit("More once more", job__py=MORE.replace("range(8)", "range(10)"))
    assert here(*gate).code == 1


def test_a_history_of_what_was_recorded(here: Here, repository: Repository) -> None:
    assert "nothing of queries was recorded in notes" in here("gate", "history", "--in", "notes").error(3)
    _record(here, "--notes")
    steep = repository.commit("More <b>of</b> it", job__py=MORE)
    _record(here, "--notes")
    told = here("gate", "history", "--in", "notes").text
    assert f"5 → 8 (+60%)  {steep[:9]} More <b>of</b> it" in told
    drawn = here("gate", "history", "--in", "notes", "--svg", "-").text
    texts = [node.text or "" for node in ElementTree.fromstring(drawn).iter()]
    assert any(steep[:9] in text and "5 → 8" in text for text in texts)
    assert "no history of spoons" in here("gate", "history", "spoons", "--in", "notes").error(2)


def test_baselines_that_cannot_be_compared(here: Here, repository: Repository) -> None:
    _record(here)
    path = here.folder / "perfkit-baseline.json"
    kept = path.read_text()
    gate = ("gate", "--baseline", path.name, *COMMAND)
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    path.write_text(kept.replace(f'"python": "{minor}"', '"python": "3.2"'))
    assert "was recorded under Python 3.2" in here(*gate).error(3)
    path.write_text(kept.replace("perfkit.baseline/1", "perfkit.baseline/0"))
    assert "has the schema 'perfkit.baseline/0'" in here(*gate).error(3)
    path.write_text(kept[:-20])
    assert "it is not JSON" in here(*gate).error(3)
    path.write_text(kept.replace('"linux-x86_64"', '"darwin-arm64"'))
    assert "counts hold there as well" in here(*gate).err
    path.unlink()
    assert "no branch, tag, commit or file perfkit-baseline.json" in here(*gate).error(3)
    assert "nothing was counted" in here("gate", "record", "--", sys.executable, "-c", "pass").error(5)
    assert "ended with 3" in here("gate", "record", "--", sys.executable, "-c", "raise SystemExit(3)").error(5)
    _record(here)
    new = here("gate", "--baseline", path.name, "--new-findings", "high", *COMMAND)
    assert "needs both revisions" in new.error(2)
    assert "two places" in here("gate", "record", "--notes", "-o", "x.json", *COMMAND).error(2)
    assert "must come first" in here("gate", "--baseline", "main", "record", *COMMAND[1:]).error(2)


def test_outside_of_a_repository_a_file_is_enough(here: Here) -> None:
    (here.folder / "job.py").write_text(JOB)
    _record(here)
    assert json.loads((here.folder / "perfkit-baseline.json").read_text())["commit"] is None
    (here.folder / "job.py").write_text(MORE)
    ended = here("gate", "--baseline", "perfkit-baseline.json", *COMMAND)
    assert (ended.code, "runs 8 queries, was 5" in ended.err) == (1, True)
    assert "is in no git repository" in here("gate", "accept", KEY, "--reason", "x").error(3)


@pytest.mark.alone
def test_a_finding_that_the_baseline_does_not_have(here: Here, repository: Repository) -> None:
    """Found in both runs of the one side and in none of the other; silenced by its key like any other breach."""
    quick = "seen = set(range(40_000))\nprint(sum(n in seen for n in range(4_000_000)))\n"
    slow = "seen = list(range(4_000))\nprint(sum(n in seen for n in range(4_000, 20_000)))\n"
    repository.commit("A search", job__py=f"def search():\n    {quick.replace(chr(10), chr(10) + '    ')}\nsearch()\n")
    repository.git("checkout", "-q", "-b", "feature")
    repository.commit("A slow one", job__py=f"def search():\n    {slow.replace(chr(10), chr(10) + '    ')}\nsearch()\n")
    gate = ("gate", "--baseline", "main", "--new-findings", "high", "--no-times", *COMMAND)
    ended = here(*gate)
    assert ended.code == 1, ended.err
    assert "FAIL  new: " in ended.err
    assert "no new findings, high or worse" in ended.err
    assert "--new-findings bad is not known" in here("gate", "-b", "main", "--new-findings", "bad", *COMMAND).error(2)
