"""`pytest --perfkit`: budgets of a suite of the user's own, in the process that runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from perfkit_command import clean_environment

SHOP = """
import sqlite3

database = sqlite3.connect(":memory:", check_same_thread=False)
database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
database.executemany("INSERT INTO item VALUES (?, ?)", [(n, "item %d" % n) for n in range(500)])


def name(number):
    return database.execute("SELECT name FROM item WHERE id = %d" % number).fetchone()[0]
"""
_LONGEST = 120.0


class Suite:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self.write("pytest.ini", "[pytest]\npythonpath = .\n")
        self.write("shop.py", SHOP)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def __call__(self, text: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Without the plugins that happen to be installed, which take a second of each pytest."""
        self.write("test_it.py", "import pytest, shop\n" + text)
        environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "perfkit.pytest_plugin", **environment}
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "--strict-markers", *words],
            cwd=self.folder,
            env=clean_environment(TMPDIR=str(self.temporary), **{k: v for k, v in environ.items() if v}),
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


MARKED = """
@pytest.mark.perfkit(queries=3)
def test_above():
    for number in range(5):
        shop.name(number + 7000 - 7000)

@pytest.mark.perfkit(queries=5, rows=5, connections=0, commits=0)
def test_within():
    for number in range(5):
        shop.name(number)
"""


def test_a_mark_is_a_limit(suite: Suite) -> None:
    ended = suite(MARKED, "--perfkit")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "1 failed, 1 passed" in ended.stdout
    assert "5 queries, and 3 are allowed" in ended.stdout
    assert "5 × SELECT name FROM item WHERE id = ?, 5 rows\n         shop.py:10  name()" in ended.stdout
    assert list(suite.temporary.glob("perfkit-*")) == []


def test_nothing_is_counted_unless_it_is_asked_for(suite: Suite) -> None:
    """Of perfkit, the door alone is loaded."""
    loaded = """
def test_loaded():
    import sys
    assert [name for name in sys.modules if name.startswith("perfkit")] == ["perfkit", "perfkit.pytest_plugin"]
"""
    ended = suite(MARKED + loaded)
    assert ended.returncode == 0, ended.stdout
    assert "3 passed" in ended.stdout


def test_the_setting_is_the_same_as_the_option(suite: Suite) -> None:
    suite.write("pytest.ini", "[pytest]\npythonpath = .\nperfkit = true\n")
    assert "5 queries, and 3 are allowed" in suite(MARKED).stdout


def test_pytest_finds_the_plugin_by_itself(suite: Suite) -> None:
    ended = suite(MARKED, "--perfkit", PYTEST_DISABLE_PLUGIN_AUTOLOAD="", PYTEST_PLUGINS="")
    assert "5 queries, and 3 are allowed" in ended.stdout, ended.stdout + ended.stderr


def test_workers_of_xdist(suite: Suite) -> None:
    ended = suite(MARKED, "--perfkit", "-n", "2", "-p", "xdist")
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "1 failed, 1 passed" in ended.stdout
    assert "5 × SELECT name FROM item WHERE id = ?, 5 rows" in ended.stdout


def test_the_nearest_mark_decides(suite: Suite) -> None:
    ended = suite(
        """
pytestmark = pytest.mark.perfkit(queries=0, rows=1)

@pytest.mark.perfkit(queries=2)
def test_twice():
    shop.name(1)
    shop.name(2)
""",
        "--perfkit",
    )
    assert "2 rows, and 1 is allowed" in ended.stdout
    assert "queries, and" not in ended.stdout


def test_connections_and_commits(suite: Suite) -> None:
    ended = suite(
        """
import sqlite3

@pytest.mark.perfkit(connections=1, commits=0)
def test_connects():
    for _ in range(2):
        with sqlite3.connect(":memory:") as database:
            database.execute("CREATE TABLE t (id)")
            database.execute("INSERT INTO t VALUES (1)")
""",
        "--perfkit",
    )
    assert "2 connections, and 1 is allowed\n2 commits, and 0 are allowed" in ended.stdout, ended.stdout


def test_fixtures_are_not_the_tests(suite: Suite) -> None:
    """And what an earlier test did is none of this one's."""
    ended = suite(
        """
@pytest.fixture
def prepared():
    shop.name(1)
    yield
    shop.name(2)

@pytest.mark.perfkit(queries=1)
@pytest.mark.parametrize("n", [1, 2])
def test_asks(prepared, n, perfkit):
    shop.name(n)
    assert perfkit.queries == 1
""",
        "--perfkit",
    )
    assert "2 passed" in ended.stdout, ended.stdout


PART = """
def test_part(perfkit):
    shop.name(1)
    with perfkit.budget(queries=1):
        shop.name(2)
    with perfkit.budget(queries=1):
        shop.name(3)
        shop.name(4)

def test_numbers(perfkit):
    shop.name(1)
    assert (perfkit.queries, perfkit.rows, perfkit.connections, perfkit.commits) == (1, 1, 0, 0)
"""


def test_a_part_of_a_test_has_a_budget(suite: Suite) -> None:
    ended = suite(PART, "--perfkit")
    assert "1 failed, 1 passed" in ended.stdout
    assert "2 queries, and 1 is allowed" in ended.stdout
    assert "test_it.py:7: Failed" in ended.stdout
    assert "pytest_plugin.py" not in ended.stdout


def test_without_the_option_parts_pass_and_numbers_skip(suite: Suite) -> None:
    ended = suite(PART, "-rs")
    assert "1 passed, 1 skipped" in ended.stdout
    assert "perfkit counts where --perfkit is given" in ended.stdout


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("(quries=3)", " knows no quries. choose of queries, rows, connections, commits, external"),
        ("(3)", "(3) does not say of what. write @pytest.mark.perfkit(queries=3)"),
        ("()", "() names no limit"),
        ("", "() names no limit"),
        ("(queries='3')", ": queries cannot be '3'. give a number, 0 and more"),
        ("(queries=-1)", ": queries cannot be -1"),
    ],
)
def test_a_mark_that_cannot_be_meant_ends_the_session(suite: Suite, mark: str, said: str) -> None:
    ended = suite(f"@pytest.mark.perfkit{mark}\ndef test_it(): pass", "--perfkit")
    assert ended.returncode == 4, ended.stdout
    assert f"ERROR: test_it.py::test_it: @pytest.mark.perfkit{said}" in ended.stderr


def test_a_test_that_fails_by_itself_says_so_alone(suite: Suite) -> None:
    ended = suite("@pytest.mark.perfkit(queries=0)\ndef test_it():\n    shop.name(1)\n    assert 1 == 2", "--perfkit")
    assert "assert 1 == 2" in ended.stdout
    assert "allowed" not in ended.stdout


def test_an_orm_and_a_test_client(suite: Suite) -> None:
    """What a test's client asks of the application is a part of the test."""
    ended = suite(
        """
import flask, sqlalchemy

engine = sqlalchemy.create_engine("sqlite://", poolclass=sqlalchemy.StaticPool)
app = flask.Flask(__name__)

@app.get("/orders")
def orders():
    with engine.connect() as connection:  # which asks SQLite once in its life
        return [connection.execute(sqlalchemy.text("SELECT 'secret'")).scalar() for _ in range(4)]

def test_warms_up():
    engine.connect().close()

@pytest.mark.perfkit(queries=1)
def test_orders():
    assert len(app.test_client().get("/orders").json) == 4
""",
        "--perfkit",
    )
    assert "4 queries, and 1 is allowed\n     4 × SELECT ?, 4 rows\n         test_it.py:11  orders" in ended.stdout, (
        ended.stdout
    )
    assert "secret" not in ended.stdout.partition("short test summary")[2]


def test_under_perfkit_there_is_one_probe(suite: Suite) -> None:
    from perfkit_command import CONSOLE_SCRIPT

    suite.write("test_it.py", "import pytest, shop\n" + MARKED)
    environ = clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", PYTEST_PLUGINS="perfkit.pytest_plugin")
    words = [CONSOLE_SCRIPT, "run", "--", sys.executable, "-m", "pytest", "-q", "--perfkit"]
    ended = subprocess.run(words, cwd=suite.folder, env=environ, capture_output=True, text=True, timeout=_LONGEST)
    assert ended.returncode == 1, ended.stderr
    assert "5 queries, and 3 are allowed" in ended.stdout
    assert "test_it.py::test_above" in ended.stderr
