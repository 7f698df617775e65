"""The environments that other tests use hold what was asked for, are built once, and survive interruption and company."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from databases import Database
from environments import LTS, NEW, OLD, OLDER, UWSGI, Environment, build

pytestmark = pytest.mark.real
MINE = f"{sys.version_info[0]}.{sys.version_info[1]}"
SMALL = Environment(MINE, ("six==1.16.0",))
BUILD = "from environments import Environment, build; print(build(Environment({python!r}, {requirements!r})))"
VERSIONS = """
import json, sys
from importlib.metadata import version
print(json.dumps([list(sys.version_info[:2]), {name: version(name) for name in sys.argv[1:]}]))
"""
QUERY = """
import sys
import sqlalchemy
for url in sys.argv[1:]:
    with sqlalchemy.create_engine(url).connect() as connection:
        print(connection.execute(sqlalchemy.text("SELECT 1")).scalar())
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "perfkit-tests"


def ask(python: Path, code: str, *words: str) -> str:
    done = subprocess.run([python, "-c", code, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("wanted", [OLDER, OLD, LTS, NEW, UWSGI], ids=["older", "old", "lts", "new", "uwsgi"])
def test_holds_what_was_asked_for(
    environment: Callable[..., Path], requires: Callable[..., str], wanted: Environment
) -> None:
    if wanted is UWSGI:
        requires("gcc", "clang")
    pins = dict(requirement.split("==") for requirement in wanted.requirements)
    pins = {name.partition("[")[0]: pinned for name, pinned in pins.items()}
    found, versions = json.loads(ask(environment(wanted), VERSIONS, *pins))
    assert ".".join(map(str, found)) == wanted.python and versions == pins


@pytest.mark.parametrize(
    ("wanted", "drivers"),
    [(OLDER, ["psycopg2"]), (OLD, ["psycopg2"]), (LTS, ["psycopg"]), (NEW, ["psycopg2", "psycopg"])],
    ids=["older", "old", "lts", "new"],
)
def test_reaches_the_databases(
    environment: Callable[..., Path], postgres: Database, mariadb: Database, wanted: Environment, drivers: list[str]
) -> None:
    urls = [*map(postgres.url, drivers), mariadb.url("pymysql")]
    assert ask(environment(wanted), QUERY, *urls).split() == ["1"] * len(urls)


def test_is_built_once(cache: Path, environment: Callable[..., Path]) -> None:
    python = environment(MINE, *SMALL.requirements)
    assert cache in python.parents
    left = python.with_name("left-here")
    left.touch()
    assert build(SMALL) == python and left.exists()
    assert build(Environment(MINE, ("six==1.15.0",))) != python


@pytest.mark.parametrize("broken", ["perfkit-tests-complete", "bin/python"])
def test_a_broken_one_is_built_anew(cache: Path, broken: str) -> None:
    folder = build(SMALL).parents[1]
    (folder / broken).unlink()
    (folder / "left-here").touch()
    assert ask(build(SMALL), "import six; print(six.__version__)").strip() == "1.16.0"
    assert not (folder / "left-here").exists()


def test_sessions_at_the_same_time_share_one(cache: Path) -> None:
    words = [sys.executable, "-c", BUILD.format(python=MINE, requirements=SMALL.requirements)]
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=where) for _ in range(3)]
    said = {session.communicate(timeout=120)[0].strip() for session in both}
    assert [session.returncode for session in both] == [0, 0, 0]
    assert said == {str(build(SMALL))}
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_pip_builds_where_there_is_no_uv(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *words, **options: None)
    python = build(SMALL)
    assert ask(python, "import pip, six; print(six.__version__)").strip() == "1.16.0"


def test_what_cannot_be_installed_fails_and_is_not_kept(cache: Path) -> None:
    for _ in range(2):
        with pytest.raises(AssertionError, match=r"six==0\.0\.0\.1"):
            build(Environment(MINE, ("six==0.0.0.1",)))


def test_a_python_that_is_missing_skips(environment: Callable[..., Path]) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"^Python 3\.2 is not installed$"):
        environment("3.2", "six==1.16.0")
