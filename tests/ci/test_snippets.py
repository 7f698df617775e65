"""docs/how-to/gate-in-ci.md: what it shows is valid, and the lines of each job are run in a checkout as that system makes it.

Lines that install are left out, and `perfkit` is the one of this environment.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from composite_action import ACTION
from docs_reading import ROOT, blocks
from perfkit_command import CONSOLE_SCRIPT, clean_environment
from pull_requests import ONE_MORE, PYTHON, PullRequest, run_lines

PAGE = ROOT / "docs/how-to/gate-in-ci.md"
YAML = [yaml.safe_load(text) for language, text in blocks(PAGE) if language == "yaml"]
WORKFLOWS = WITH_ACTION, WITHOUT_ACTION, RECORDING = [one for one in YAML if "jobs" in one]
[GITLAB] = [one for one in YAML if "perfkit" in one]
[PRE_COMMIT] = [one for one in YAML if "repos" in one]
[JENKINSFILE] = [text for language, text in blocks(PAGE) if language == "groovy"]
_OURS = re.compile(r'"?(?:/opt/|\$WORKSPACE_TMP/)perfkit/bin/perfkit"?')
_INSTALLING = re.compile(r"\b(?:pip|pipx)\"? install\b|-m venv\b")


@pytest.fixture
def shop(pull_request: PullRequest) -> PullRequest:
    """What its job runs stands in pyproject.toml, so that the lines of the page need no command."""
    pull_request.upstream.git("checkout", "-q", "main")
    table = f"[tool.perfkit.gate]\ncommand = {json.dumps([PYTHON, 'job.py'])}\ntimes = false\n"
    pull_request.upstream.commit("What is compared", pyproject__toml=table)
    pull_request.upstream.git("checkout", "-q", "-B", "feature")
    pull_request.push("Once more", job__py=ONE_MORE)
    return pull_request


def _run(lines: list[str], shop: PullRequest, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = [_OURS.sub("perfkit", line) for line in lines if not _INSTALLING.search(line)]
    assert any("perfkit gate" in line for line in kept)
    return run_lines("\n".join(kept), shop.folder, **clean_environment(SHOP_TOLD=str(shop.told), **environ))


def _steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    [job] = workflow["jobs"].values()
    return list(job["steps"])


def test_the_action_is_called_as_it_wants() -> None:
    [step] = [step for step in _steps(WITH_ACTION) if "perfkit@" in step.get("uses", "")]
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    assert set(step["with"]) <= set(action["inputs"])
    page = PAGE.read_text(encoding="utf-8")
    listed = {
        name for line in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(.+?)`", line)
    }
    assert listed == set(action["inputs"])
    assert set(re.findall(r"steps\.perfkit\.outputs\.([\w-]+)", page)) <= set(action["outputs"])


def test_all_of_it_is_valid(environment: Callable[..., Path], tmp_path: Path) -> None:
    check = environment("3.11", "check-jsonschema==0.39.0").with_name("check-jsonschema")
    files: dict[str, list[Path]] = {
        "vendor.github-actions": [ACTION],
        "vendor.github-workflows": [],
        "vendor.gitlab-ci": [],
    }
    shown = [("vendor.github-workflows", one) for one in WORKFLOWS] + [("vendor.gitlab-ci", GITLAB)]
    for number, (schema, one) in enumerate(shown):
        # The key `on` is a truth to YAML 1.1.
        (tmp_path / f"{number}.json").write_text(
            json.dumps({"on" if key is True else key: of for key, of in one.items()})
        )
        files[schema].append(tmp_path / f"{number}.json")
    for schema, some in files.items():
        done = subprocess.run([check, "--builtin-schema", schema, *some], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_github_without_the_action(shop: PullRequest) -> None:
    steps = _steps(WITHOUT_ACTION)
    assert steps[0]["with"] == {"fetch-depth": 0}
    shop.checkout(depth=None)
    summary = shop.folder.parent / "summary"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_BASE_REF": "main"}
    done = _run([step["run"] for step in steps if "run" in step], shop, **github)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("::error file=job.py,line=5,")
    assert "### ❌ perfkit: " in summary.read_text(encoding="utf-8")
    assert {file.name for file in shop.folder.glob("perfkit.*")} == {"perfkit.xml", "perfkit.html"}


def test_gitlab(shop: PullRequest) -> None:
    job = GITLAB["perfkit"]
    assert job["variables"]["GIT_DEPTH"] == "0"
    assert job["allow_failure"] == {"exit_codes": [4]}
    shop.checkout(depth=None)
    script = [*job["before_script"], *job["script"]]
    done = _run(script, shop, CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")
    assert done.returncode == 1, done.stderr
    reports = job["artifacts"]["reports"]
    [degradation] = json.loads((shop.folder / reports["codequality"]).read_text())
    assert degradation["location"] == {"path": "job.py", "lines": {"begin": 5}}
    assert ElementTree.parse(shop.folder / reports["junit"]).getroot().get("failures") == "1"
    assert all((shop.folder / path).is_file() for path in job["artifacts"]["paths"])


def test_jenkins(shop: PullRequest) -> None:
    """The clone of a multibranch pipeline has the branch alone."""
    lines = re.findall(r"^\s*sh '(.+)'$|script: '(.+)'\)$", JENKINSFILE, re.MULTILINE)
    assert len(lines) == JENKINSFILE.count("sh ") + JENKINSFILE.count("sh(")
    shop.checkout(depth=100)
    done = _run([one or other for one, other in lines], shop, CHANGE_TARGET="main")
    assert done.returncode == 1, done.stderr
    for file in re.findall(r"(?:testResults|pattern): '(.+?)'", JENKINSFILE):
        assert (shop.folder / file).is_file(), file


def test_a_branch_with_the_name_of_a_command_stays_a_name(shop: PullRequest) -> None:
    """git allows such names, and whoever may push to a fork chooses them."""
    name = "$(touch${IFS}pwned)"
    shop.upstream.git("branch", name, "main")
    shop.checkout(depth=None)
    for variable, lines in {
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": GITLAB["perfkit"]["script"],
        "GITHUB_BASE_REF": [step["run"] for step in _steps(WITHOUT_ACTION) if "run" in step],
    }.items():
        done = _run(
            [f"{line} --repeats 3" if "perfkit gate" in line else line for line in lines], shop, **{variable: name}
        )
        assert done.returncode == 1, done.stderr
    assert not list(shop.folder.rglob("pwned"))


def test_pre_commit_stops_a_push(shop: PullRequest, environment: Callable[..., Path]) -> None:
    """pre-commit itself, from git's own hook."""
    bin = environment("3.11", "pre-commit==4.7.0").parent
    repository = shop.checkout(depth=None)
    repository.git("checkout", "-q", "-B", "feature", "origin/feature")
    repository.write(".pre-commit-config.yaml", yaml.safe_dump(PRE_COMMIT))
    repository.git("add", ".pre-commit-config.yaml")
    repository.git("commit", "-q", "-m", "A hook")
    path = os.pathsep.join([str(CONSOLE_SCRIPT.parent), str(bin), os.environ["PATH"]])
    environ = clean_environment(SHOP_TOLD=str(shop.told), PRE_COMMIT_HOME=str(shop.folder.parent / "home")) | {
        "PATH": path
    }
    done = run_lines("pre-commit install --hook-type pre-push", repository.folder, **environ)
    assert done.returncode == 0, done.stderr
    done = run_lines("git push -q origin HEAD:refs/heads/slow", repository.folder, **environ)
    assert done.returncode == 1
    assert "FAIL  (the whole run) runs 6 queries, was 5" in done.stdout + done.stderr
    repository.git("checkout", "-q", "origin/main", "--", "job.py")
    repository.git("commit", "-q", "-m", "As it was")
    done = run_lines("git push -q origin HEAD:refs/heads/fast", repository.folder, **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {"fast", "slow"} & set(shop.upstream.git("branch", "--format=%(refname:short)").split()) == {"fast"}


def test_a_job_keeps_the_baseline_and_another_compares_with_it(shop: PullRequest) -> None:
    """Twice, because the first job finds no notes and the second finds those of the first."""
    recording = [step["run"] for step in _steps(RECORDING) if "run" in step]
    shop.upstream.git("checkout", "-q", "--detach")
    repository = shop.checkout("refs/heads/main")
    for _ in range(2):
        done = _run(recording, shop)
        assert done.returncode == 0, done.stderr
        repository.git("update-ref", "-d", "refs/notes/perfkit")  # as in a new clone
    assert shop.upstream.git("notes", "--ref=perfkit", "list").endswith(shop.upstream.git("rev-parse", "main"))
    repository.git("fetch", "-q", "--unshallow", "origin", "refs/pull/5/merge")
    repository.git("checkout", "-q", "FETCH_HEAD")
    [comparing] = [text for language, text in blocks(PAGE) if language == "sh"]
    done = _run(comparing.splitlines(), shop)
    assert done.returncode == 1, done.stderr
    assert "FAIL  (the whole run) runs 6 queries, was 5" in done.stderr
    assert shlex.split(comparing)[-2:] == ["--baseline", "notes"]
