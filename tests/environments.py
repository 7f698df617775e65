"""Virtual environments of another Python with chosen versions of libraries, built once and kept from session to session.

They stand in `$XDG_CACHE_HOME/perfkit-tests`; removing that folder is safe, the next session builds them again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perfkit_command import interpreter

LONGEST = 600.0
_COMPLETE = "perfkit-tests-complete"


@dataclass(frozen=True)
class Environment:
    """A Python version as in "3.9", and requirements as pip takes them."""

    python: str
    requirements: tuple[str, ...]


# The oldest that run on Python 3.9: what an application looks like that nobody has touched since 2021.
OLDER = Environment(
    "3.9",
    (
        "django==3.2.25",
        "flask==2.0.3",
        "werkzeug==2.0.3",
        "jinja2==3.0.3",
        "fastapi==0.70.1",
        "starlette==0.16.0",
        "sqlalchemy==1.3.24",
        "psycopg2-binary==2.8.6",
        "pymysql==0.10.1",
        "celery==5.0.5",
        "redis==3.5.3",
        "aiohttp==3.8.6",
        "gunicorn==20.1.0",
        "setuptools==65.5.0",  # gunicorn imports pkg_resources, which later warned and then went
        "uvicorn==0.17.6",
    ),
)
# 2023: Starlette after its rewrite of routing and middleware, SQLAlchemy's bridge to 2.0, the first psycopg 3.
OLD = Environment(
    "3.9",
    (
        "django==4.2.30",
        "djangorestframework==3.14.0",
        "flask==2.3.3",
        "werkzeug==2.3.8",
        "fastapi==0.100.1",
        "starlette==0.27.0",
        "sqlalchemy[asyncio]==1.4.54",
        "psycopg[binary]==3.1.20",
        "psycopg_pool==3.1.9",
        "psycopg2-binary==2.9.9",
        "asyncpg==0.27.0",
        "aiosqlite==0.17.0",
        "pymysql==1.0.3",
        "celery==5.2.7",
        "redis==4.6.0",
        "gunicorn==20.1.0",
        "setuptools==65.5.0",
        "uvicorn==0.23.2",
        "hypercorn==0.14.4",
    ),
)
# The long-term support of Django, and the last minor versions before a major one: Starlette 0, SQLAlchemy 2.0.
LTS = Environment(
    "3.13",
    (
        "django==5.2.19",
        "flask==3.0.3",
        "fastapi==0.115.14",
        "starlette==0.46.2",
        "sqlalchemy[asyncio]==2.0.58",
        "psycopg[binary]==3.2.13",
        "pymysql==1.1.3",
        "celery==5.4.0",
        "redis==5.2.1",
        "gunicorn==23.0.0",
        "uvicorn==0.34.3",
    ),
)
NEW = Environment(
    "3.13",
    (
        "django==6.1.3",
        "djangorestframework==3.18.3",
        "flask==3.1.3",
        "jinja2==3.1.6",
        "fastapi==0.165.0",
        "starlette==1.10.0",
        "sqlalchemy[asyncio]==2.1.9",
        "psycopg[binary]==3.3.9",
        "psycopg_pool==3.3.3",
        "psycopg2-binary==2.9.13",
        "asyncpg==0.32.0",
        "aiosqlite==0.22.1",
        "pymysql==1.2.4",
        "aiohttp==3.14.5",
        "celery[redis]==5.7.0",
        "gunicorn==27.0.1",
        "uvicorn[standard]==0.54.0",
        "hypercorn==0.18.0",
        "gevent==26.9.0",
    ),
)
# Alone, because it is compiled: 20 s, and a test that wants it asks for `requires("gcc", "clang")` first.
UWSGI = Environment("3.13", ("uwsgi==2.0.31", "flask==3.1.3", "django==6.1.3"))


def build(wanted: Environment) -> Path:
    """The `bin/python` of such an environment. Skips the test where that Python is not installed; two sessions that want
    the same one wait for each other, and what an interrupted one left is built anew."""
    base = interpreter(wanted.python)
    folder = _cache() / _key(base, wanted.requirements)
    python = folder / "bin" / "python"
    with _locked(folder.with_suffix(".lock")):
        if not ((folder / _COMPLETE).exists() and python.exists()):
            shutil.rmtree(folder, ignore_errors=True)
            _install(base, folder, wanted.requirements)
            (folder / _COMPLETE).write_text("\n".join((base, *wanted.requirements)))
    return python


def _cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root / "perfkit-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _key(base: str, requirements: tuple[str, ...]) -> str:
    """The interpreter's own path is part of it: 3.9.18 and 3.9.19 do not share an environment."""
    said = json.dumps([os.path.realpath(base), sorted(requirements)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(base: str, folder: Path, requirements: tuple[str, ...]) -> None:
    """At its final place, because the scripts of an environment name their interpreter by its whole path."""
    python = str(folder / "bin" / "python")
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        _do(base, "-m", "venv", str(folder))
        _do(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    else:
        _do(uv, "venv", "--quiet", "--python", base, str(folder))
        _do(uv, "pip", "install", "--quiet", "--python", python, *requirements)


def _do(*words: str) -> None:
    steering = ("PYTHON", "VIRTUAL_ENV", "CONDA_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
    done = subprocess.run(words, cwd="/", env=environment, capture_output=True, text=True, timeout=LONGEST)
    assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}"
