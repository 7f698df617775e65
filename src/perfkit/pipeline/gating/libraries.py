"""Libraries: a command and the baseline's work tree come in; which Python the baseline runs with, and what is said of it, goes out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate import lockfiles
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.model.target import Command
from perfkit.pipeline.gating import environments, interpreters, own_project
from perfkit.pipeline.gating.interpreters import Interpreter
from perfkit.pipeline.gating.separation import Expected

AUTO, SAME = "auto", "same"
# How a note of a side begins that tells of them.
LIBRARIES_DIFFER = "libraries differ: "
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Libraries:
    """`there` is the interpreter of the checkout, None where it cannot be told; `python` is another one for the baseline, and
    `paths` go before all that is installed beside it."""

    there: Interpreter | None = None
    python: str | None = None
    paths: tuple[str, ...] = ()
    expected: Expected = field(default_factory=Expected)
    notes: tuple[str, ...] = ()


def prepared(command: Command, root: Path, folder: Path, choice: str, say: Callable[[str], None]) -> Libraries:
    """For the baseline in `folder`. `choice` is auto, same, or a virtual environment. Raises PerfkitError: 2 where that is none, 3
    where its own libraries cannot be had."""
    cwd = Path(command.cwd).resolve()
    there = _there(command, root, cwd)
    named = _named(choice, Path(command.cwd))
    if there is None:
        return _unknown(command, root, folder, cwd, choice, named)
    own = own_project.installed(there, root, cwd)
    own_project.check_fresh(own, there, root)
    others = there.installed.keys() - {one.name for one in own}
    before, after = (lockfiles.locks(one, one / _below(cwd, root)) for one in (folder, root))
    change = lockfiles.difference(before, after, others)
    python, notes = named, []
    if change and choice == SAME:
        notes.append(f"{_list(change.files)} differs: both revisions ran with what is installed (--baseline-env same)")
    elif change and choice == AUTO:
        say("installing the baseline's libraries")
        python = str(environments.build(there, change, (folder / change.files[0]).parent))
    if python is not None:
        notes += _differ(python, there, [one.name for one in own])
    target = folder.parent / "installed"
    if own:
        say("building the baseline's project")
        own_project.build(own, there, folder, target)
    return Libraries(
        there=there,
        python=python,
        paths=(str(target),) if own else (),
        expected=Expected(
            environment=str(Path(python).parent.parent) if python is not None else None,
            current=there.prefix if choice == AUTO and before != after else None,
            places=(str(target),),
            not_installed=frozenset(own_project.below(file) for one in own for file in there.installed[one.name].files),
        ),
        notes=tuple(notes),
    )


def of_checkout(command: Command, root: Path) -> Libraries:
    """The same for both: two work trees of one commit."""
    return Libraries(_there(command, root, Path(command.cwd).resolve()))


def _there(command: Command, root: Path, cwd: Path) -> Interpreter | None:
    python = interpreters.of_command(command, root)
    return interpreters.ask(python, *own_project.names(root, cwd)) if python is not None else None


def _below(cwd: Path, root: Path) -> Path:
    return cwd.relative_to(root.resolve()) if cwd.is_relative_to(root.resolve()) else Path()


def _named(choice: str, cwd: Path) -> str | None:
    """The Python of an environment that was named."""
    if choice in (AUTO, SAME):
        return None
    python = cwd / Path(choice).expanduser() / "bin" / "python"
    if not os.access(python, os.X_OK):
        raise PerfkitError(
            f"--baseline-env {choice}: there is no {python}.", "give the folder of a virtual environment", USAGE
        )
    return str(python)


def _unknown(command: Command, root: Path, folder: Path, cwd: Path, choice: str, named: str | None) -> Libraries:
    before, after = (lockfiles.locks(one, one / _below(cwd, root)) for one in (folder, root))
    if choice == AUTO and before != after:
        raise PerfkitError(
            f"the baseline's libraries differ, and which Python {Path(command.executable).name} runs cannot be told.",
            "name python or the server itself in the command, or compare with --baseline-env same",
            NOT_COMPARABLE,
        )
    return Libraries(python=named)


def _differ(python: str, there: Interpreter, own: Sequence[str]) -> list[str]:
    before = interpreters.ask(python)
    if before is None:
        raise PerfkitError(f"{python} does not run.", "name another one: --baseline-env PATH", NOT_COMPARABLE)
    notes = []
    if before.version != there.version:
        notes.append(f"the baseline ran on {before.version}, the work tree on {there.version}")
    rows = [row for row in interpreters.differences(before, there) if row[0] not in own]
    if rows:
        told = [f"{name} {old or 'none'} → {new or 'none'}" for name, old, new in rows]
        notes.append(f"{LIBRARIES_DIFFER}{_list(told)}")
    return notes


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f", {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
