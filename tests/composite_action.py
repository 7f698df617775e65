"""Runs the steps of a composite action with bash, as GitHub's runner does it, and answers for GitHub where `gh` asks.

Expressions are those that action.yml uses: names, alternatives of names, and one comparison with a text.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from perfkit_command import clean_environment

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]  # what `shell: bash` is
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")

GH = '''#!{python}
"""What GitHub answers to gh api: the comments of one pull request are a file."""
import json, os, pathlib, sys
import jq

folder = pathlib.Path({folder!r})
words = sys.argv[1:]
with open(folder / "calls", "a") as calls:
    calls.write(json.dumps(words) + "\\n")
assert words.pop(0) == "api"
if os.environ.get("GH_TOKEN") != "may write" and "graphql" not in words:
    sys.exit("gh: Resource not accessible by integration (HTTP 403)")
kept = folder / "comments.json"
comments = json.loads(kept.read_text())
fields = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word in ("-f", "-F"))
if words[0] == "graphql":
    assert (fields["owner"], fields["name"], fields["number"]) == ("me", "shop", "5")
    answer = {{"data": {{"repository": {{"pullRequest": {{"comments": {{"nodes": comments}}}}}}}}}}
    print(*jq.compile(words[words.index("--jq") + 1]).input_value(answer).all(), sep="\\n")
    sys.exit()
body = pathlib.Path(fields["body"].removeprefix("@")).read_text(encoding="utf-8")
method = words[words.index("--method") + 1]
if method == "POST":
    assert "repos/me/shop/issues/5/comments" in words
    comments.append({{"databaseId": len(comments) + 1, "body": body, "viewerDidAuthor": True}})
else:
    assert method == "PATCH"
    number = next(word for word in words if word.startswith("repos/me/shop/issues/comments/")).rpartition("/")[2]
    [one] = [one for one in comments if one["databaseId"] == int(number)]
    one["body"] = body
kept.write_text(json.dumps(comments))
'''


class GitHub:
    """The far side: one pull request's comments, and what `gh` was called with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        gh = self.bin / "gh"
        gh.write_text(GH.format(python=sys.executable, folder=str(folder)))
        gh.chmod(0o755)
        self.say("First!", mine=False)

    def say(self, body: str, *, mine: bool) -> None:
        told = [*self.comments, {"databaseId": len(self.comments) + 1, "body": body, "viewerDidAuthor": mine}]
        (self.folder / "comments.json").write_text(json.dumps(told))

    @property
    def comments(self) -> list[dict[str, Any]]:
        kept = self.folder / "comments.json"
        return list(json.loads(kept.read_text())) if kept.exists() else []

    @property
    def calls(self) -> list[list[str]]:
        kept = self.folder / "calls"
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


@dataclass
class Ran:
    """`code` is that of the last step that ran; `log` is what a job's page shows."""

    code: int
    log: str
    outputs: dict[str, str]
    steps: dict[str, dict[str, str]]
    summary: str


@dataclass
class Action:
    """The action on a runner of its own, in a checkout."""

    workspace: Path
    temporary: Path
    github: GitHub
    event: Mapping[str, Any] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    # A step's outputs by its id, instead of running it.
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __call__(self, last: str = "", **given: str) -> Ran:
        """`given` are inputs, with `_` for `-`. Ends with the step of that id or name, or where one fails."""
        action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        self.temporary.mkdir(exist_ok=True)
        context: dict[str, Any] = {"github": {"event": self.event, "token": "may write"}, "steps": {}}
        inputs = {name: str(of.get("default", "")) for name, of in action["inputs"].items()}
        inputs = {name: _filled(text, context) for name, text in inputs.items()}
        context["inputs"] = {**inputs, **{name.replace("_", "-"): value for name, value in given.items()}}
        assert set(context["inputs"]) == set(inputs)
        log, code, summary = "", 0, ""
        for step in action["runs"]["steps"]:
            name = step.get("id", step["name"])
            if name in self.known:
                for old in Path(self.known[name].get("folder", "/nowhere")).glob("report.*"):
                    old.unlink()
                context["steps"][name] = {"outputs": self.known[name]}
                continue
            if not _holds(step.get("if", ""), context):
                continue
            code, said, outputs, told = self._step(step, context)
            log, summary = log + said, summary + told
            context["steps"][name] = {"outputs": outputs}
            if code or name == last:
                break
        outputs = {name: _filled(of["value"], context) for name, of in action["outputs"].items()}
        steps = {name: dict(of["outputs"]) for name, of in context["steps"].items()}
        return Ran(code, log, outputs, steps, summary)

    def _step(self, step: Mapping[str, Any], context: Mapping[str, Any]) -> tuple[int, str, dict[str, str], str]:
        assert step["shell"] == "bash"
        files = {name: self.temporary / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("")
        script = self.temporary / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        environ = {
            **_runner(self.github),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_ACTION_PATH": str(ROOT),
            "RUNNER_TEMP": str(self.temporary),
            **{name: str(file) for name, file in files.items()},
            **self.environ,
            **{name: _filled(str(text), context) for name, text in step.get("env", {}).items()},
        }
        folder = self.workspace / _filled(step.get("working-directory", "."), context)
        done = subprocess.run(
            [*BASH, str(script)],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        written = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
        return done.returncode, done.stdout, written, files["GITHUB_STEP_SUMMARY"].read_text()


def _runner(github: GitHub) -> dict[str, str]:
    """What every job has, over this machine's variables; no git repository is ours but the checkout."""
    kept = {name: value for name, value in clean_environment().items() if not name.startswith(("GIT_", "GITHUB_"))}
    return {
        **kept,
        "PATH": f"{github.bin}{os.pathsep}{kept['PATH']}",
        "CI": "true",
        "PIP_NO_COMPILE": "1",  # half of the time that installing takes
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "me/shop",
        "GITHUB_RUN_ID": "77",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/5/merge",
        "GITHUB_BASE_REF": "main",
    }


def _filled(text: str, context: Mapping[str, Any]) -> str:
    return _EXPRESSION.sub(lambda found: _value(found[1], context), text)


def _value(expression: str, context: Mapping[str, Any]) -> str:
    return next(filter(None, (_named(name.strip(), context) for name in expression.split("||"))), "")


def _named(name: str, context: Any) -> str:
    assert re.fullmatch(r"[a-z_-]+(\.[a-z_-]+)+", name), name
    for part in name.split("."):
        context = context.get(part) or {}
    return str(context or "")


def _holds(condition: str, context: Mapping[str, Any]) -> bool:
    if not condition:
        return True
    name, wanted = condition.split(" == ")
    return _value(name, context) == wanted.strip("'")


def expressions_in_scripts() -> Iterator[str]:
    """What a runner would paste into a script before a shell reads it."""
    for step in yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]:
        yield from _EXPRESSION.findall(step["run"])
