"""A pull request, and perfkit's action on a runner."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from composite_action import Action, GitHub
from pull_requests import PYTHON, PullRequest


@pytest.fixture
def pull_request(tmp_path: Path) -> PullRequest:
    return PullRequest(tmp_path)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the action's first step made: perfkit is installed from the repository into an environment of its own."""
    folder = tmp_path_factory.mktemp("runner")
    github = GitHub(folder / "github")
    ran = Action(folder, folder / "temp", github)(last="install", python=PYTHON)
    assert ran.code == 0, ran.log
    return Path(ran.steps["install"]["folder"])


@pytest.fixture
def action(tmp_path: Path, pull_request: PullRequest, installed: Path) -> Action:
    """On the pull request, with perfkit installed already."""
    folder = tmp_path / "temp" / "perfkit"
    folder.mkdir(parents=True)
    os.symlink(installed / "venv", folder / "venv")
    return Action(
        pull_request.folder,
        tmp_path / "temp",
        GitHub(tmp_path / "github"),
        event={"pull_request": {"number": 5}, "repository": {"default_branch": "main"}},
        environ={"SHOP_TOLD": str(pull_request.told)},
        known={"install": {"folder": str(folder)}},
    )
