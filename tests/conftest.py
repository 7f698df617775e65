"""What tests of every room share. It stands here so that they can import the builders beside it (pytest puts this folder on
the path)."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from turns import turn

if TYPE_CHECKING:
    from databases import Database
    from environments import Environment

Requires = Callable[..., str]
_NOT_INSTALLED = re.compile(r"\bnot installed\b")
_INTERPRETER = re.compile(r"\bPython\b")


# A job that a shell or a CI runner starts in the background ignores SIGINT, and would hand that down to every program that
# the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    assert item.config.cache is not None
    with turn(item.config.cache.mkdir("turns"), alone=item.get_closest_marker("alone") is not None):
        return (yield)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones are asked for: `nox -s long`."""
    if os.environ.get("PERFKIT_TEST_LONG"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
def requires() -> Requires:
    """`requires("redis-server")` is the program's path; without it the test is skipped. More names are alternatives."""

    def find(*names: str) -> str:
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None:
            pytest.skip(f"{' or '.join(names)} is not installed")
        return found

    return find


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """An empty database of a real PostgreSQL, one server for the session; `postgres.fresh()` makes another one in it."""
    from databases import postgres as running

    with running() as database:
        yield database


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    """An empty database of a real MariaDB, one server for the session; `mariadb.fresh()` makes another one in it."""
    from databases import mariadb as running

    with running() as database:
        yield database


@pytest.fixture(scope="session")
def environment() -> Callable[..., Path]:
    """`environment(NEW)` or `environment("3.9", "flask==2.0.3")` is the `bin/python` of such a virtual environment, which is
    built once and kept between sessions; where that Python is not installed the test is skipped."""
    from environments import Environment, build

    def find(wanted: Environment | str, *requirements: str) -> Path:
        return build(Environment(wanted, requirements) if isinstance(wanted, str) else wanted)

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Where CI is set everything is installed but foreign Pythons: there a skip for anything else that is missing fails,
    because it would hide that something is no longer tested."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and os.environ.get("CI", "") not in ("", "0", "false"):
        reason = str(report.longrepr[2])
        if _NOT_INSTALLED.search(reason) and not _INTERPRETER.search(reason):
            report.outcome = "failed"
            report.longrepr = f"{reason}; in CI nothing is skipped for that"
    return report
