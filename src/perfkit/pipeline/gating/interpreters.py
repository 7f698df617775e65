"""Interpreters: a command comes in; which Python runs it, and what is installed beside that, goes out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfkit.model.target import Command
from perfkit.targets import words

_THERE = Path(__file__).with_name("installed_there.py")
# These choose an interpreter by themselves, and tell which.
RUNNERS = frozenset({"uv", "poetry", "pdm", "pipenv", "hatch", "rye"})
_WITH_VALUE = frozenset(
    {
        "--extra",
        "--group",
        "--only-group",
        "--no-group",
        "--with",
        "--package",
        "--python",
        "-p",
        "--project",
        "--env-file",
    }
)
_FOLDERS = (".venv", "venv", "env")
# A runner may have to make its environment first.
_LONGEST = 120.0
_ASKED = "import sys; print(sys.executable)"
_STEERING = ("PYTHON", "PERFKIT_")


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution. `url` is where it came from, unless from an index; `files` are those of its modules, where they matter."""

    version: str
    url: str | None
    editable: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """`base` is the executable that environments of it are made with, `site` the folders with what is installed, the first before
    the others. `installed` is by normalised name."""

    executable: str
    prefix: str
    base: str
    version: str
    platform: str
    scripts: str
    site: tuple[str, ...]
    conda: bool
    installed: Mapping[str, Installed]


def ask(python: str, *projects: str) -> Interpreter | None:
    """None where it does not answer. `projects` are names of distributions whose files matter, if they are there."""
    # PYTHONPATH is no part of an environment: both sides have their own.
    said = _output([python, "-E", str(_THERE), *projects], "/")
    try:
        read = json.loads(said or "")
    except ValueError:
        return None
    rows = read.pop("installed").items()
    installed = {
        name: Installed(version, url, editable, tuple(files)) for name, (version, url, editable, files) in rows
    }
    return Interpreter(**{**read, "site": tuple(read["site"]), "installed": installed})


def changed_libraries(before_python: str, after_python: str) -> list[tuple[str, str | None, str | None]]:
    """Name, and the version on either side: None where it is not installed there. Empty where one of them does not answer."""
    if before_python == after_python:
        return []
    before, after = ask(before_python), ask(after_python)
    return differences(before, after) if before and after else []


def differences(before: Interpreter, after: Interpreter) -> list[tuple[str, str | None, str | None]]:
    versions = [{name: one.version for name, one in side.installed.items()} for side in (before, after)]
    names = sorted({*versions[0], *versions[1]})
    rows = [(name, versions[0].get(name), versions[1].get(name)) for name in names]
    return [row for row in rows if row[1] != row[2]]


def is_runner(command: Command) -> bool:
    return Path(command.executable).name in RUNNERS and "run" in command.argv[1:]


def of_command(command: Command, root: Path) -> str | None:
    """The path of the Python that runs it: its own, that of its first line, what its runner says, else what is active here."""
    if words.is_interpreter(command.executable):
        return command.executable
    if is_runner(command):
        said = _output([command.executable, "run", *_options(command), "python", "-c", _ASKED], command.cwd)
        found = (said or "").strip().splitlines()
        return found[-1] if found and Path(found[-1]).is_file() else None
    return _of_first_line(Path(command.executable)) or _of_words(command) or _active(Path(command.cwd), root)


def _options(command: Command) -> list[str]:
    """Of the runner, as `--no-sync` or `--extra web`: without them it might change the environment, or choose another one."""
    rest = command.argv[command.argv.index("run") + 1 :]
    at = 0
    while at < len(rest) and rest[at].startswith("-"):
        at += 2 if rest[at] in _WITH_VALUE else 1
    return list(rest[:at])


def _of_words(command: Command) -> str | None:
    """Of what is started by another program: `env NAME=value gunicorn`, `nice python`."""
    for word in command.argv[1:]:
        path = str(Path(command.cwd, word)) if "/" in word else shutil.which(word)
        if path is not None and Path(path).is_file():
            return path if words.is_interpreter(path) else _of_first_line(Path(path))
    return None


def _of_first_line(file: Path) -> str | None:
    """Of a script; `env python` is the first on PATH. Installers write long paths into a second line, for sh."""
    head = head_of(file)
    for line in head.splitlines()[:2]:
        told = line.removeprefix("#!").removeprefix("'''exec' ").split()
        if told and Path(told[0]).name == "env":
            told = [word for word in told[1:] if not word.startswith("-")]
        if told and words.is_interpreter(told[0].strip("\"'")):
            name = told[0].strip("\"'")
            return name if "/" in name else shutil.which(name)
    return None


def head_of(file: Path) -> str:
    """The beginning of a script; empty for a binary, and for what cannot be read."""
    try:
        with file.open("rb") as opened:
            head = opened.read(1024)
    except OSError:
        return ""
    return head.decode("utf-8", "replace") if head.startswith(b"#!") else ""


def _active(cwd: Path, root: Path) -> str | None:
    """What is in the checkout comes first: a Makefile names it, or has been started from it."""
    folders = [cwd, *(parent for parent in cwd.parents if parent.is_relative_to(root))]
    places = [folder / name for folder in folders for name in _FOLDERS]
    places += [Path(os.environ["VIRTUAL_ENV"])] if os.environ.get("VIRTUAL_ENV") else []
    for place in places:
        if (place / "bin/python").is_file():
            return str(place / "bin/python")
    return shutil.which("python") or shutil.which("python3")


def _output(command: Sequence[str], cwd: str) -> str | None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
