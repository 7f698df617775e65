"""Tests of a suite in the spool: the call phase of each by its node id, with what its own client asks inside of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from perfkit.collectors.probe_events import RequestEvent, SpanEvent
from probe_spool import Spooled, run_with_probe

RUN = "import sys, pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', *sys.argv[1:]]))"
SUITE = """
import sqlite3, subprocess, sys, threading, unittest
import pytest

database = sqlite3.connect(":memory:", check_same_thread=False)


def ask(number=1):
    for _ in range(number):
        database.execute("SELECT 1").fetchall()


@pytest.fixture
def prepared():
    ask(10)
    yield
    ask(20)


@pytest.mark.parametrize("number", [1, 3], ids=["one; (1)", "three"])
def test_asks(prepared, number):
    ask(number)


def test_asks_in_a_thread():
    thread = threading.Thread(target=ask, args=(4,))
    thread.start()
    thread.join()


def test_imports():
    import colorsys


def test_leaves():
    pytest.skip("for now")


def test_fails():
    ask(2)
    raise ValueError


class TestOfUnittest(unittest.TestCase):
    def setUp(self):
        ask(1)

    def test_asks(self):
        ask(1)
"""
NAME = "tests/test_it.py::"


def _suite(folder: Path, text: str = SUITE) -> Path:
    (folder / "tests").mkdir(parents=True)
    (folder / "tests/test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    script = folder / "run.py"
    script.write_text(RUN)
    return script


def _inside(process: Spooled, test: RequestEvent) -> list[SpanEvent]:
    return [span for span in process.spans if test.start <= span.start <= test.start + test.seconds]


def _counts(processes: list[Spooled], kind: str = "sql") -> dict[str, int]:
    return {
        process.endpoint(test).removeprefix(NAME): sum(span.kind == kind for span in _inside(process, test))
        for process in processes
        for test in process.requests
        if test.kind == "test"
    }


def _statuses(process: Spooled) -> dict[str, int]:
    return {process.endpoint(test).removeprefix(NAME): test.status for test in process.requests}


def _check(process: Spooled) -> None:
    assert _counts([process]) == {
        "test_asks[one; (1)]": 1,
        "test_asks[three]": 3,
        "test_asks_in_a_thread": 4,
        "test_imports": 0,
        "test_leaves": 0,
        "test_fails": 2,
        "TestOfUnittest::test_asks": 2,
    }
    assert _statuses(process)["test_fails"] == 500
    assert _statuses(process)["test_leaves"] == _statuses(process)["test_imports"] == 200
    names = {process.name(span) for span in process.of("import")}
    assert "colorsys" in names
    assert not process.gaps


def test_each_test_by_its_name(tmp_path: Path) -> None:
    ended, (process,) = run_with_probe(_suite(tmp_path / "it"), tmp_path / "spool")
    assert "1 failed, 5 passed, 1 skipped" in ended.stdout
    assert "pytest_tests.py" not in ended.stdout
    _check(process)


@pytest.mark.real
@pytest.mark.parametrize(("python", "version"), [("3.9", "pytest==7.0.1"), ("3.9", "pytest<9"), ("3.13", "pytest")])
def test_older_versions(python: str, version: str, tmp_path: Path, environment: Callable[..., Path]) -> None:
    script = _suite(tmp_path / "it")
    ended, (process,) = run_with_probe(script, tmp_path / "spool", environment(python, version))
    assert "1 failed, 5 passed, 1 skipped" in ended.stdout, ended.stdout + ended.stderr
    _check(process)


def test_workers_of_xdist(tmp_path: Path) -> None:
    script = _suite(tmp_path / "it")
    ended, processes = run_with_probe(script, tmp_path / "spool", sys.executable, "-n", "2")
    assert "1 failed, 5 passed, 1 skipped" in ended.stdout
    counts = _counts(processes)
    assert (len(counts), counts["test_asks[three]"]) == (7, 3)


def test_requests_inside_a_test_keep_their_routes(tmp_path: Path) -> None:
    suite = """
import flask

app = flask.Flask(__name__)
app.add_url_rule("/orders/<int:n>", view_func=lambda n: "")


def test_orders():
    app.test_client().get("/orders/3")
"""
    _, (process,) = run_with_probe(_suite(tmp_path / "it", suite), tmp_path / "spool")
    assert [(one.kind, process.endpoint(one)) for one in process.requests] == [
        ("wsgi", "GET /orders/<int:n>"),
        ("test", NAME + "test_orders"),
    ]
    request, test = process.requests
    assert test.start <= request.start and request.seconds <= test.seconds


def test_asynchronous_tests(tmp_path: Path) -> None:
    suite = """
import anyio, pytest, sqlite3

database = sqlite3.connect(":memory:", check_same_thread=False)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_waits():
    await anyio.sleep(0)
    await anyio.to_thread.run_sync(database.execute, "SELECT 1")
"""
    ended, (process,) = run_with_probe(_suite(tmp_path / "it", suite), tmp_path / "spool")
    assert "1 passed" in ended.stdout, ended.stdout
    assert _counts([process]) == {"test_waits[asyncio]": 1}


def test_a_suite_within_a_test_belongs_to_it(tmp_path: Path) -> None:
    suite = """
pytest_plugins = "pytester"

def test_outer(pytester):
    pytester.makepyfile("import sqlite3\\ndef test_inner(): sqlite3.connect(':memory:').execute('SELECT 1')")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
"""
    ended, (process, *_) = run_with_probe(_suite(tmp_path / "it", suite), tmp_path / "spool")
    assert "1 passed" in ended.stdout, ended.stdout
    assert _counts([process]) == {"test_outer": 1}
    assert os.sep not in "".join(_counts([process]))


@pytest.mark.real
def test_a_clock_that_freezegun_stops(tmp_path: Path, environment: Callable[..., Path]) -> None:
    """Tests have their own times, and what happens in them is theirs."""
    suite = """
import sqlite3, time
import freezegun, pytest

database = sqlite3.connect(":memory:")


@pytest.fixture(autouse=True)
def frozen():
    with freezegun.freeze_time("2011-06-24"):
        yield


@pytest.mark.parametrize("number", [1, 3])
def test_asks(number):
    assert time.time() == 1308873600
    assert time.monotonic() == time.monotonic()
    for _ in range(number):
        database.execute("SELECT 1")
"""
    python = environment("3.11", "pytest", "freezegun")
    ended, (process,) = run_with_probe(_suite(tmp_path / "it", suite), tmp_path / "spool", python)
    assert "2 passed" in ended.stdout, ended.stdout
    assert _counts([process]) == {"test_asks[1]": 1, "test_asks[3]": 3}
