"""Interpreters that code is brought into, programs that they run, and the private folder in which they answer."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from injected import Program, Run, found

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


@pytest.fixture(autouse=True)
def _machine() -> None:
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        pytest.skip("code is brought into running processes on Linux on x86-64")


@pytest.fixture(autouse=True)
def asked_for() -> None:
    """Hundreds of attaches take minutes; tests/cli attaches to a few processes each time."""
    if "PERFKIT_TEST_ATTACHES" not in os.environ:
        pytest.skip("hundreds of attaches: nox -s attaches, or set PERFKIT_TEST_ATTACHES to a number")


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest) -> str:
    return found(request.param)


@pytest.fixture(params=("3.9", "3.12"))
def some_python(request: pytest.FixtureRequest) -> str:
    """With one lock for the process, and with one for each interpreter."""
    return found(request.param)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """`run(python, body)` is a program that is up."""
    started: list[Program] = []

    def start(python: str, body: str, **more: object) -> Program:
        folder = tmp_path / f"program-{len(started)}"
        folder.mkdir()
        started.append(Program(folder, python, body, **more))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for program in started:
        print(*program.end())
