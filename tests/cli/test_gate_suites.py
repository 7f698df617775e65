"""`perfkit gate -- pytest` on a real suite in a real repository: each test is a unit, counted and timed by its name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from git_repositories import Repository
from perfkit_command import CONSOLE_SCRIPT, Ended, Here, clean_environment

SUITE = """
import sqlite3
import pytest


@pytest.fixture(scope="session")
def database():
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    database.executemany("INSERT INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(500)])
    return database


def name(database, number):
    return database.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone()[0]


def work(rounds):
    return sum(number % 7 for number in range(rounds))


def test_work():
    assert work(60_000)


@pytest.mark.parametrize("n", [1, 40])
def test_names(database, n):
    assert len([name(database, number) for number in range(n)]) == n


def test_only_once(database):
    database.execute("CREATE TABLE once (id)")
"""
FILE = "tests/test_items.py"
ONE_MORE = SUITE.replace("    return database.execute", "    database.execute('SELECT 1')\n    return database.execute")
# A gate starts pytest four times and more.
_LONGEST = 400.0
PYTEST = (sys.executable, "-m", "pytest", "-q", "tests")


@pytest.fixture
def repository(here: Here) -> Repository:
    made = Repository(here.folder)
    made.write(".gitignore", "__pycache__\n.pytest_cache\n")
    made.write("pytest.ini", "[pytest]\n")
    made.write(FILE, SUITE)
    made.commit("The suite")
    made.git("checkout", "-q", "-b", "feature")
    return made


def _gate(here: Here, *options: str) -> Ended:
    """Without the plugins that happen to be installed, which take a second of each pytest."""
    words = [CONSOLE_SCRIPT, "gate", "--baseline", "main", *options, "--", *PYTEST]
    environ = clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    done = subprocess.run(words, cwd=here.folder, env=environ, capture_output=True, timeout=_LONGEST, check=False)
    return Ended(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def test_one_statement_more_fails_the_tests_that_run_it(here: Here, repository: Repository) -> None:
    repository.write(FILE, ONE_MORE)
    commit = repository.commit("Ask twice")
    ended = _gate(here, "--no-times")
    assert ended.code == 1, ended.err
    assert f"FAIL  {FILE}::test_names[1] runs 2 queries, was 1" in ended.err
    assert "once, and not run before: SELECT ?" in ended.err
    assert f"FAIL  {FILE}::test_names[40] runs 80 queries, was 40, from the same place" in ended.err
    assert f"changed in {commit[:9]} (Ask twice)" in ended.err
    assert "test_work" not in ended.err


def test_budgets_of_parametrised_tests(here: Here, repository: Repository) -> None:
    """By its exact name, brackets and all, and by a pattern."""
    repository.write(
        "pyproject.toml",
        f'[tool.perfkit.gate.budgets."{FILE}::test_names[40]"]\nqueries = 39\n'
        f'[tool.perfkit.gate.budgets."{FILE}::test_only*"]\nqueries = 0\n',
    )
    repository.commit("Budgets")
    ended = _gate(here, "--no-times")
    assert ended.code == 1, ended.err
    assert f"FAIL  {FILE}::test_names[40] runs 40 queries, was 40\n  budget   queries 39" in ended.err
    assert f"FAIL  {FILE}::test_only_once runs 1 queries, was 1\n  budget   queries 0" in ended.err
    assert "test_names[1]" not in ended.err


def test_a_test_that_fails_on_one_side_is_named(here: Here, repository: Repository) -> None:
    repository.write(FILE, SUITE.replace("== n\n", "== 1\n"))
    repository.commit("Wrong")
    said = _gate(here, "--no-times").error(5)
    assert f"the current ended with 1 in {FILE}::test_names[40]" in said


def test_tests_of_one_side_only(here: Here, repository: Repository) -> None:
    repository.write(FILE, SUITE.replace("def test_work", "def test_labour"))
    repository.commit("Renamed")
    ended = _gate(here, "--no-times")
    assert ended.code == 0, ended.err
    assert f"{FILE}::test_labour  is new" in ended.err
    assert f"{FILE}::test_work  is not there any more" in ended.err


def test_a_slower_test_fails_by_its_name(here: Here, repository: Repository) -> None:
    repository.write(FILE, SUITE.replace("work(60_000)", "work(600_000)"))
    repository.commit("Slower")
    ended = _gate(here, "--seconds", "20")
    assert f"FAIL  {FILE}::test_work takes" in ended.err, ended.err
    assert ended.code == 1
    assert f"{FILE}::test_only_once (call: sqlite3.OperationalError" in ended.err
    assert len(repository.worktrees()) == 1
