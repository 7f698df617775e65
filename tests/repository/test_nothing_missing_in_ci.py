"""A program that is missing skips a test on somebody's machine, and fails it in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS_FOLDER = Path(__file__).parents[1]
TESTS = """
import pytest

def test_present(requires):
    assert requires("no-such-program", "sh").endswith("/sh")

def test_missing(requires):
    requires("no-such-program")

def test_missing_module():
    pytest.skip("frobnicate is not installed")

def test_foreign_interpreter():
    pytest.skip("Python 3.9 is not installed")

def test_other_system():
    pytest.skip("only macOS has that")
"""


@pytest.mark.parametrize(
    ("ci", "summary", "code"), [("", "1 passed, 4 skipped", 0), ("true", "2 failed, 1 passed, 2 skipped", 1)]
)
def test_skips(tmp_path: Path, ci: str, summary: str, code: int) -> None:
    for name in ("conftest.py", "turns.py"):
        shutil.copy(TESTS_FOLDER / name, tmp_path)
    (tmp_path / "test_skips.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, "CI": ci}, capture_output=True, text=True, cwd=tmp_path)
    assert summary in done.stdout and done.returncode == code, done.stdout
