"""Placing: a command of the checkout comes in; the same command in the baseline's work tree, with the baseline's Python, goes out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from perfkit.gate.worktree import import_path
from perfkit.model.target import Command
from perfkit.pipeline.gating.interpreters import Interpreter, is_runner
from perfkit.pipeline.gating.libraries import Libraries
from perfkit.targets import words


def placed(command: Command, root: Path, folder: Path, libraries: Libraries) -> Command:
    """In `folder` instead of `root`."""
    there, python = libraries.there, libraries.python
    environ = {**command.environ, **_environ(command, there, python)}
    beside = there.executable if there is not None else command.executable
    paths = [*import_path(beside, root, folder, os.environ), *libraries.paths]
    if paths:
        environ["PYTHONPATH"] = os.pathsep.join(paths)
    cwd = Path(command.cwd)
    inside = cwd.resolve().is_relative_to(root.resolve())
    executable, first = _executable(command, root, folder, there, python)
    rest = tuple(_word(word, root, folder, there, python) for word in command.argv[1:])
    return replace(
        command,
        argv=(*first, *rest),
        executable=executable,
        cwd=str(folder / cwd.resolve().relative_to(root.resolve())) if inside else command.cwd,
        environ=environ,
    )


def _executable(
    command: Command, root: Path, folder: Path, there: Interpreter | None, python: str | None
) -> tuple[str, tuple[str, ...]]:
    """What is executed, and the words in place of the first one."""
    path = Path(command.executable)
    if python is not None and there is not None:
        name = _in_environment(path, there, python)
        if name is not None:
            return name, (name,)
        if path.parent == Path(there.scripts):
            return python, (python, str(path))  # a script that the baseline's environment has not
    moved = _word(str(path), root, folder, None, None)
    # Python finds its environment by the path that it was called by, which may be a relative one.
    return moved, (moved if "/" in command.argv[0] else command.argv[0],)


def _in_environment(path: Path, there: Interpreter, python: str) -> str | None:
    """The same program of the other environment; a shim, as pyenv's, stands for one."""
    if words.is_interpreter(path.name):
        return python
    other = Path(python).parent / path.name
    return str(other) if other.is_file() and (Path(there.scripts) / path.name).is_file() else None


def _word(word: str, root: Path, folder: Path, there: Interpreter | None, python: str | None) -> str:
    """A file of the checkout, also as the value of an option; what lies in an environment inside of it stays."""
    option, separator, value = word.rpartition("=")
    path = Path(value)
    if not path.is_absolute():
        return word
    if python is not None and there is not None and path.parent == Path(there.scripts):
        other = python if words.is_interpreter(path.name) else _in_environment(path, there, python)
        return f"{option}{separator}{other or value}"
    if not path.is_relative_to(root):
        return word
    below = path.relative_to(root)
    moved = folder / below
    return f"{option}{separator}{moved}" if moved.exists() and not _linked(folder, below) else word


def _linked(folder: Path, below: Path) -> bool:
    """Whether it lies in an environment, of which the work tree has a link."""
    return bool(below.parts) and any(
        (folder / parent).is_symlink() for parent in (below, *below.parents) if parent.parts
    )


def _environ(command: Command, there: Interpreter | None, python: str | None) -> dict[str, str]:
    """For what chooses a Python by itself: the work tree has no environment of its own, and none is to be made there."""
    if there is None or (python is None and not is_runner(command)):
        return {}
    prefix = str(Path(python).parent.parent) if python is not None else there.prefix
    path = os.pathsep.join((f"{prefix}/bin", os.environ.get("PATH", os.defpath)))
    return {"VIRTUAL_ENV": prefix, "PATH": path, "UV_PROJECT_ENVIRONMENT": prefix, "UV_NO_SYNC": "1"}


def link_environments(root: Path, cwd: Path, folder: Path, there: Interpreter | None, python: str | None) -> None:
    """Environments of the checkout that git does not hold are there by the same relative path, as commands name them."""
    for place in dict.fromkeys((root, cwd)) if cwd.is_relative_to(root) else (root,):
        for found in sorted(place.glob("*/pyvenv.cfg")):
            environment = found.parent
            target = folder / environment.relative_to(root)
            own = python is not None and there is not None and environment.samefile(there.prefix)
            if not target.exists() and target.parent.is_dir():
                target.symlink_to(Path(python).parent.parent if own and python is not None else environment)
