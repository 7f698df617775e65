"""action.yml: its steps are run by bash in a real checkout; what GitHub would answer to `gh` is played."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from composite_action import ACTION, Action, expressions_in_scripts
from pull_requests import JOB, ONE_MORE, PYTHON, PullRequest

MARKER = "<!-- perfkit-gate -->"
COUNTS = "--no-times --repeats 3"
SHOP = """
import sqlite3
from flask import Flask

app = Flask(__name__)
database = sqlite3.connect(":memory:", check_same_thread=False)


@app.get("/items/<int:many>")
def items(many):
    return [database.execute("SELECT ?", (n,)).fetchone()[0] for n in range(many)]


@app.get("/page")
def page():
    return "page"
"""
# Long and short runs by turns of which neither side gets more than the other.
UNSTEADY = """import os
with open({runs!r}, "a") as file:
    file.write("x")
sum(range(12_000_000 if "LSSLSLLS"[os.path.getsize({runs!r}) % 8] == "L" else 0))
"""
SERVER = shlex.join([PYTHON, "-m", "flask", "--app", "shop", "run", "-p", "8123"])
SCRIPT = shlex.join([PYTHON, "job.py"])


def test_no_input_is_pasted_into_a_script() -> None:
    """A runner puts an expression's value into the script before bash reads it: a name of a branch would be code."""
    assert list(expressions_in_scripts()) == []


def test_each_input_and_step_is_used() -> None:
    text = ACTION.read_text(encoding="utf-8")
    action = yaml.safe_load(text)
    used = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert used == set(action["inputs"])
    assert {of["value"].split(".")[3].rstrip(" }") for of in action["outputs"].values()} == set(action["outputs"])
    assert all("uses" not in step or "@v" in step["uses"] for step in action["runs"]["steps"])


@pytest.mark.real
def test_a_server_that_asks_once_more_fails_with_one_comment(action: Action, pull_request: PullRequest) -> None:
    """From a checkout of one commit: the history is fetched. The second build, which is green, tells it in the same comment."""
    pull_request.upstream.git("checkout", "-q", "main")
    pull_request.upstream.commit("A server", shop__py=SHOP)
    pull_request.upstream.git("checkout", "-q", "-B", "feature")
    commit = pull_request.push("Look it up twice", shop__py=SHOP.replace("range(many)", "range(many + 1)"))
    repository = pull_request.checkout()
    action.github.say(f"{MARKER}\nNot of this action", mine=False)
    load = "http://127.0.0.1:8123/items/3\n  http://127.0.0.1:8123/page\n\n"
    ran = action(args=COUNTS, command=SERVER, load=load)
    assert ran.code == 1, ran.log
    assert (ran.outputs["verdict"], ran.outputs["exit-code"]) == ("fail", "1")
    assert "::error file=shop.py,line=11,title=perfkit%3A GET /items/<int%3Amany> queries::" in ran.log
    assert commit[:9] in ran.log
    assert "GET /items/" in ran.summary
    first, stranger, comment = (one["body"] for one in action.github.comments)
    assert comment == Path(ran.outputs["report"]).read_text(encoding="utf-8")
    assert comment.startswith(f"{MARKER}\n### ❌ perfkit: ")
    assert (first, stranger) == ("First!", f"{MARKER}\nNot of this action")
    assert json.loads(Path(ran.outputs["json"]).read_text())["verdict"] == "fail"
    assert "</html>" in Path(ran.outputs["html"]).read_text(encoding="utf-8")
    assert json.loads(Path(ran.outputs["sarif"]).read_text())["runs"][0]["results"]
    assert repository.worktrees() == repository.worktrees()[:1]

    ran = action(args=COUNTS, command=SCRIPT)
    assert (ran.code, ran.outputs["verdict"]) == (0, "pass"), ran.log
    first, stranger, comment = (one["body"] for one in action.github.comments)
    assert "### ✅ perfkit: " in comment


def test_no_answer_has_an_exit_code_of_its_own(action: Action, pull_request: PullRequest, tmp_path: Path) -> None:
    """No two runs of it take the same time."""
    pull_request.upstream.git("checkout", "-q", "main")
    pull_request.upstream.commit("Unsteady", job__py=JOB + UNSTEADY.format(runs=str(tmp_path / "runs")))
    pull_request.upstream.git("checkout", "-q", "-B", "feature")
    pull_request.push("Words only", README__md="A shop.")
    pull_request.checkout()
    ran = action(args="--seconds 1", command=SCRIPT)
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (4, "inconclusive", "4"), ran.log
    assert "::warning title=perfkit%3A (the whole run) cpu::undecided: " in ran.log
    ran = action(args="--seconds 1", command=SCRIPT, inconclusive="pass")
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (0, "inconclusive", "0"), ran.log
    assert "### ❔ perfkit" in action.github.comments[-1]["body"]
    assert len(action.github.comments) == 2


def test_a_command_that_fails_is_told_without_what_it_printed(action: Action, pull_request: PullRequest) -> None:
    """GitHub hides secrets in logs, and nowhere else."""
    pull_request.push("Broken", job__py="print('the password is 1234')\nraise SystemExit(7)\n")
    pull_request.checkout()
    ran = action(args=COUNTS, command=SCRIPT)
    assert (ran.code, ran.outputs["verdict"], ran.outputs["exit-code"]) == (5, "error", "5"), ran.log
    assert re.search(r"^::error title=perfkit::error: .*%0A  try: ", ran.log, re.MULTILINE)
    comment = action.github.comments[-1]["body"]
    assert comment.startswith(
        f"{MARKER}\n### ⚠️ perfkit: no verdict, exit code 5\n\n[The job tells why](https://github.com/"
    )
    assert "1234" not in comment
    assert (ran.outputs["html"], ran.outputs["json"], ran.outputs["sarif"]) == ("", "", "")


def test_inputs_are_words_and_never_code(action: Action, pull_request: PullRequest) -> None:
    pull_request.push("Words only", README__md="A shop.")
    pull_request.checkout()
    attack = '"; touch pwned" `touch pwned` $(touch pwned) \'${{ github.token }}\' "* ~" && touch pwned'
    ran = action(args=COUNTS, command=f"{SCRIPT} {attack}")
    assert ran.code == 0, ran.log
    told = pull_request.told.read_text().splitlines()
    assert set(told) == {"|".join(shlex.split(attack))}
    for name in ("baseline", "load", "args", "inconclusive"):
        ran = action(**{"command": SCRIPT, "args": COUNTS, name: "$(touch pwned) `touch pwned`; touch pwned\nx=1"})
        assert ran.code not in (0, 1), (name, ran.log)
        assert ran.outputs.get("verdict") in ("error", ""), (name, ran.log)
    assert not list(pull_request.folder.parent.rglob("pwned"))


def test_a_command_line_that_is_none(action: Action, pull_request: PullRequest) -> None:
    pull_request.push("Words only", README__md="A shop.")
    pull_request.checkout()
    ran = action(command="python 'job.py")
    assert ran.code == 2
    assert "::error title=perfkit::the input command is no command line: No closing quotation" in ran.log
    assert "Traceback" not in ran.log


def test_a_fork_has_its_verdict_and_no_comment(action: Action, pull_request: PullRequest) -> None:
    pull_request.push("Once more", job__py=ONE_MORE)
    pull_request.checkout()
    ran = action(args=COUNTS, command=SCRIPT, token="may read")
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail"), ran.log
    assert "::notice title=perfkit::no comment: the token may not write it" in ran.log
    assert len(action.github.comments) == 1


def test_a_service_in_a_folder_is_annotated_where_the_repository_has_it(
    action: Action, pull_request: PullRequest
) -> None:
    """What is compared stands in the folder's pyproject.toml."""
    table = f"[tool.perfkit.gate]\ncommand = {json.dumps([PYTHON, 'job.py'])}\ntimes = false\n"
    pull_request.upstream.git("checkout", "-q", "main")
    pull_request.upstream.commit("A folder", **{"services/shop/job.py": JOB, "services/shop/pyproject.toml": table})
    pull_request.upstream.git("checkout", "-q", "-B", "feature")
    pull_request.push("Once more", **{"services/shop/job.py": ONE_MORE})
    pull_request.checkout()
    ran = action(working_directory="services/shop", comment="false")
    assert ran.code == 1, ran.log
    assert "::error file=services/shop/job.py,line=5," in ran.log


def test_without_a_pull_request_or_a_wish_there_is_no_comment(action: Action, pull_request: PullRequest) -> None:
    """A push to the default branch is compared with what was there before."""
    before = pull_request.upstream.git("rev-parse", "main")
    pull_request.push("Once more", job__py=ONE_MORE)
    pull_request.checkout()
    action.event = {"before": before, "repository": {"default_branch": "main"}}
    action.environ = {**action.environ, "GITHUB_BASE_REF": "", "GITHUB_REF": "refs/heads/main"}
    ran = action(args=COUNTS, command=SCRIPT)
    assert (ran.code, ran.outputs["verdict"]) == (1, "fail"), ran.log
    assert "::notice title=perfkit::no comment: this is not the build of a pull request" in ran.log
    action.event = {"pull_request": {"number": 5}}
    action.known = {name: ran.steps[name] for name in ("install", "history", "gate")}
    assert action(comment="false").code == 1
    assert action.github.calls == []


ZEROS = "0" * 40
DEFAULT = {"repository": {"default_branch": "main"}}


@pytest.mark.parametrize(
    ("event", "environ", "given", "baseline"),
    [
        ({**DEFAULT, "pull_request": {"number": 5}}, {}, {}, "origin/main"),
        (DEFAULT, {"GITHUB_BASE_REF": "release/2"}, {}, "origin/release/2"),
        (DEFAULT, {"GITHUB_BASE_REF": ""}, {}, "origin/main"),
        ({**DEFAULT, "before": "a" * 40}, {"GITHUB_BASE_REF": "", "GITHUB_REF": "refs/heads/main"}, {}, "a" * 40),
        ({**DEFAULT, "before": ZEROS}, {"GITHUB_BASE_REF": "", "GITHUB_REF": "refs/heads/main"}, {}, ""),
        ({"merge_group": {"base_sha": "b" * 40}, **DEFAULT}, {"GITHUB_BASE_REF": ""}, {}, "b" * 40),
        ({}, {"GITHUB_BASE_REF": "", "GITHUB_REF": "refs/heads/main"}, {}, ""),
        (DEFAULT, {}, {"baseline": "v1"}, "v1"),
    ],
)
def test_the_baseline_by_event(
    action: Action,
    pull_request: PullRequest,
    event: dict[str, Any],
    environ: dict[str, str],
    given: dict[str, str],
    baseline: str,
) -> None:
    pull_request.push("Words only", README__md="A shop.")
    repository = pull_request.checkout()
    pull_request.upstream.git("branch", "release/2", "main")
    action.event, action.environ = event, environ
    ran = action(last="history", **given)
    assert ran.steps["history"]["baseline"] == baseline, ran.log
    assert repository.git("rev-parse", "--is-shallow-repository") == "false"
    if baseline.startswith("origin/"):
        assert repository.git("merge-base", baseline, "HEAD") == pull_request.upstream.git("rev-parse", "main")


def test_a_baseline_in_notes_is_fetched(action: Action, pull_request: PullRequest) -> None:
    pull_request.upstream.git("notes", "--ref=perfkit", "add", "-m", "no baseline", "main")
    pull_request.push("Words only", README__md="A shop.")
    repository = pull_request.checkout()
    ran = action(last="history", baseline="notes")
    assert ran.code == 0, ran.log
    assert repository.git("notes", "--ref=perfkit", "show", "HEAD^1") == "no baseline"


def test_a_history_that_cannot_be_had(action: Action, pull_request: PullRequest) -> None:
    pull_request.push("Words only", README__md="A shop.")
    repository = pull_request.checkout()
    repository.git("remote", "set-url", "origin", "file:///nowhere")
    ran = action(args=COUNTS, command=SCRIPT)
    assert (ran.code, ran.outputs["verdict"]) == (3, "error"), ran.log
    assert (
        "::warning title=perfkit::the history cannot be fetched here; actions/checkout does it with fetch-depth: 0"
        in ran.log
    )
    assert "error: this clone is shallow and does not hold origin/main." in ran.log


def test_a_folder_that_is_no_checkout(action: Action, pull_request: PullRequest) -> None:
    pull_request.folder.mkdir()
    ran = action(command=SCRIPT)
    assert ran.code == 3
    assert (
        "::error title=perfkit::git finds no repository here, and says why above: actions/checkout comes first"
        in ran.log
    )


def test_a_python_that_is_none_of_ours(action: Action, pull_request: PullRequest) -> None:
    pull_request.folder.mkdir()
    action.known = {}
    ran = action(python="/bin/false")
    assert ran.code == 125
    assert "::error title=perfkit::perfkit needs a Python 3.11 or later of its own" in ran.log


def test_perfkit_has_an_environment_of_its_own(installed: Path) -> None:
    """The code under test is not in it, and it is not in the project's."""
    assert (installed / "venv" / "bin" / "perfkit").is_file()
    assert not list(installed.glob("venv/lib/python3*/site-packages/flask"))
    assert Path(sys.prefix) not in installed.parents
