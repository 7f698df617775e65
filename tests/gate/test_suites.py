"""Suites that live and take turns: what they run, which tests are timed, and what cannot be repeated."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.target import Command
from perfkit.pipeline.gating.living_suite import LivingSuite, NotAgainError, living
from perfkit.pipeline.gating.sides import Side
from perfkit.pipeline.gating.suite_plan import OTHERS, SHORT, Tried, plan, turns_of
from perfkit.pipeline.gating.suites import Suites

SUITE = """
import sqlite3
import pytest

made = []


@pytest.fixture(scope="session")
def database():
    made.append("session")
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    database.executemany("INSERT INTO item VALUES (?, ?)", [(n, f"item {n}") for n in range(500)])
    yield database
    print("closed")


@pytest.fixture
def clean(database):
    made.append("function")
    yield
    made.append("gone")


def name(database, number):
    return database.execute("SELECT name FROM item WHERE id = ?", (number,)).fetchone()[0]


def work(rounds):
    return sum(number % 7 for number in range(rounds))


def test_work():
    assert work(60_000)


def test_fixtures(clean):
    assert made.count("session") == 1 and made.count("function") == made.count("gone") + 1


@pytest.mark.parametrize("n", [1, 40])
def test_names(database, n):
    assert len([name(database, number) for number in range(n)]) == n


def test_only_once(database):
    print("said")
    database.execute("CREATE TABLE once (id)")


def test_sleeps():
    __import__("time").sleep(0.02)


@pytest.mark.skip
def test_not_now():
    pass
"""
FILE = "tests/test_items.py"
SLOWER = SUITE.replace("work(60_000)", "work(90_000)")
PYTEST = (sys.executable, "-m", "pytest", "-q", "tests")


def _side(folder: Path, text: str = SUITE, name: str = "current", *words: str) -> Side:
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return Side(name, folder, Command((*PYTEST, *words), sys.executable, str(folder)), ())


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[LivingSuite]:
    with living([_side(tmp_path / "it")], tmp_path, 60.0) as (one,):
        yield one


def test_tests_run_over_and_over_in_one_process(suite: LivingSuite) -> None:
    assert f"{FILE}::test_names[40]" in suite.tests
    ran = suite.run([f"{FILE}::test_fixtures"], 3)
    assert len(ran.cpu) == len(ran.wall) == 3
    suite.run(
        [f"{FILE}::test_fixtures"], 2
    )  # it fails where its fixtures are not set up anew, or those of the session are


def test_only_the_call_phase_is_timed(suite: LivingSuite) -> None:
    asleep = suite.run([f"{FILE}::test_sleeps"], 2)
    assert min(asleep.wall) >= 0.02 > max(asleep.cpu)
    both = suite.run([f"{FILE}::test_sleeps", f"{FILE}::test_work"], 1)
    assert both.wall[0] > both.cpu[0] > 0


def test_what_fails_the_second_time_is_told(suite: LivingSuite) -> None:
    once = f"{FILE}::test_only_once"
    suite.run([once], 1)
    with pytest.raises(NotAgainError, match=r"call: .*table once already exists") as told:
        suite.run([once], 1)
    assert told.value.test == once
    suite.run([f"{FILE}::test_work"], 1)  # and nothing else is


def test_a_suite_that_cannot_be_collected(tmp_path: Path) -> None:
    side = _side(tmp_path / "it", "import nothing_of_that_name")
    with (
        pytest.raises(PerfkitError, match="the current did not collect its tests") as refused,
        living([side], tmp_path, 60.0),
    ):
        pass
    assert refused.value.exit_code == 5
    assert "ended with 2" in refused.value.message


def test_a_test_that_ends_the_process(tmp_path: Path) -> None:
    side = _side(tmp_path / "it", "import os\ndef test_ends(): os._exit(3)")
    with living([side], tmp_path, 60.0) as (one,), pytest.raises(PerfkitError, match=r"ended while .*::test_ends"):
        one.run([f"{FILE}::test_ends"], 1)


@pytest.mark.parametrize("words", [("-n", "2"), ("-x",), ("-p", "no:cacheprovider")])
def test_options_of_the_command_do_not_matter(tmp_path: Path, words: tuple[str, ...]) -> None:
    with living([_side(tmp_path / "it", SUITE, "current", *words)], tmp_path, 60.0) as (one,):
        assert one.run([f"{FILE}::test_work"], 2).cpu[0] > 0


def test_a_session_ends_as_it_should(tmp_path: Path) -> None:
    side = _side(tmp_path / "it", SUITE.replace('print("closed")', 'open("closed", "w")'))
    with living([side], tmp_path, 60.0) as (one,):
        one.run([f"{FILE}::test_names[1]"], 1)
    assert (side.root / "closed").exists()


def test_pairs_of_turns(tmp_path: Path) -> None:
    """Twice the work is twice the time; what cannot be repeated is in no unit, and told by name."""
    sides = [_side(tmp_path / name, text, name) for name, text in (("baseline", SUITE), ("current", SLOWER))]
    tests = [f"{FILE}::{name}" for name in ("test_fixtures", "test_names[1]", "test_only_once", "test_work")]
    with Suites(sides, tmp_path, 60.0, 60.0, named=[f"{FILE}::test_work"]) as suites:
        assert suites.chosen(tests) == (f"{FILE}::test_work",)
        said = "\n".join(suites.notes)
        assert f"{FILE}::test_only_once (call: sqlite3.OperationalError: table once already exists)" in said
        assert "2 tests counted and not timed: too short, even together" in said
        suites.begin([f"{FILE}::test_work"])
        ratios = [after.cpu / before.cpu for before, after in (suites.pair(f"{FILE}::test_work", n) for n in range(4))]
    assert 1.1 < sorted(ratios)[1] < 2.5


def test_too_little_time_is_no_pass(tmp_path: Path) -> None:
    sides = [_side(tmp_path / name, SUITE, name) for name in ("baseline", "current")]
    said = "no test could be timed within 0 s"
    with Suites(sides, tmp_path, 60.0, 0.001, named=()) as suites, pytest.raises(PerfkitError, match=said) as refused:
        suites.chosen([f"{FILE}::test_work"])
    assert refused.value.exit_code == 5


def _tried(**cpu: float) -> dict[str, Tried]:
    return {name.replace("__", "::"): Tried(seconds, 2 * seconds) for name, seconds in cpu.items()}


def test_long_tests_alone_and_short_ones_by_file() -> None:
    tried = _tried(a__long=0.02, a__b=0.003, a__c=0.003, b__d=0.004, b__e=0.0001, c__f=0.0001, a__longer=0.1)
    found = plan(tried, 300.0)
    assert found.units == {
        "a::longer": ("a::longer",),
        "a::long": ("a::long",),
        "a" + SHORT: ("a::b", "a::c"),
    }
    assert (found.short, found.no_time) == (3, 0)
    more = plan({**tried, **_tried(d__g=0.002)}, 300.0)
    assert more.units[OTHERS] == ("b::d", "b::e", "c::f", "d::g")


def test_as_many_as_there_is_time_for() -> None:
    tried = {f"{file}::{n}": Tried(0.004, 0.01) for file in "abcd" for n in range(3)}
    assert set(plan(tried, 60.0).units) == {name + SHORT for name in "abcd"}
    assert plan(tried, 10.0).units == {OTHERS: tuple(tried)}
    long = {"a::slow": Tried(30.0, 30.0), "a::quick": Tried(0.01, 0.01)}
    found = plan(long, 60.0)
    assert (found.units, found.no_time) == ({"a::quick": ("a::quick",)}, 1)
    assert "a::slow" in plan(long, 60.0, named=["a::slow"]).units


def test_pairs_of_long_tests_are_one_turn() -> None:
    assert [turns_of(seconds) for seconds in (0.0001, 0.05, 0.25, 0.6, 10.0)] == [25, 10, 2, 1, 1]
