"""Separation: what both sides imported comes in; a side that ran the other one's code, or none of its own, is refused.

A gate that compares the same code with itself must never be green.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfkit.errors import PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.model.recording import Recording
from perfkit.shared.origin import Origins

VARIABLE = "PERFKIT_TARGET_MODULES"


@dataclass(frozen=True, slots=True)
class Ran:
    """Files that a side's processes imported, or were seen in; and the environments of those that told."""

    files: frozenset[str] = frozenset()
    prefixes: frozenset[str] = frozenset()

    def and_also(self, other: Ran) -> Ran:
        return Ran(self.files | other.files, self.prefixes | other.prefixes)


def ran(folder: Path, recording: Recording) -> Ran:
    """What the processes have left in `folder` at their ends; samples and statements tell of those that were killed."""
    prefixes = frozenset(one["prefix"] for one in _told(folder))
    return Ran(imported(folder) | frozenset(recording.files), prefixes)


def imported(folder: Path) -> frozenset[str]:
    """Files of modules, as the processes that ended told."""
    return frozenset(file for one in _told(folder) for file in one["files"])


def _told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob("modules-*.json")]


def own_files(files: Iterable[str], root: Path) -> Iterator[str]:
    """Those of the repository at `root`; an environment may lie inside of it."""
    origins = Origins((str(root), str(root.resolve())))  # the temporary folder may be reached by a link
    return (file for file in sorted(files) if origins.of(file) == "app")


@dataclass(frozen=True, slots=True)
class Expected:
    """What must hold of the baseline: the prefix of the environment with its libraries, if it has one of its own, where else code of
    its own lies, and modules of the project that it must not import as they are installed (paths below site-packages). `current` is
    the prefix of the work tree's, where the baseline's libraries were compared with what is installed there."""

    environment: str | None = None
    current: str | None = None
    places: tuple[str, ...] = ()
    not_installed: frozenset[str] = frozenset()


def check(baseline: Ran, current: Ran, roots: tuple[Path, Path], expected: Expected) -> None:
    """`roots` are those of the baseline and of the checkout. Raises PerfkitError (3)."""
    for which, side in (("baseline", baseline), ("work tree", current)):
        if not side.files:
            raise PerfkitError(
                f"no Python process of the {which} was seen: nothing tells which code it ran.",
                "give the command that starts Python itself; a container or a service runs elsewhere, and stays as it is",
                NOT_COMPARABLE,
            )
    for file in (*own_files(baseline.files, roots[1]), *_installed(baseline.files, expected.not_installed)):
        raise PerfkitError(
            f"the baseline runs {file}, which is the checkout's: both revisions would be the same code.",
            "install the project as editable, or name its folder in PYTHONPATH, so that perfkit can name the baseline's",
            NOT_COMPARABLE,
        )
    own = expected.environment
    for which, side, prefix in (("baseline", baseline, own), ("work tree", current, expected.current)):
        if prefix is not None and side.prefixes and _real(prefix) not in set(map(_real, side.prefixes)):
            raise PerfkitError(
                f"the {which} ran with the libraries of {min(side.prefixes)}, and not of {prefix}.",
                "name python or the server itself in the command, or compare with --baseline-env same",
                NOT_COMPARABLE,
            )
    places = tuple(f"{_real(place)}/" for place in (own, *expected.places) if place is not None)
    shared = {_real(file) for file in current.files}
    elsewhere = (real for file in baseline.files if (real := _real(file)).startswith(places) and real not in shared)
    if next(own_files(baseline.files, roots[0]), None) is None and next(elsewhere, None) is None:
        raise PerfkitError(
            "no code of the repository was run: both revisions would be the same code.",
            "give a command that runs the project; where it is installed: pip install -e .",
            NOT_COMPARABLE,
        )


def _installed(files: Iterable[str], below: frozenset[str]) -> Iterator[str]:
    return (file for file in sorted(files) if "-packages/" in file and file.rpartition("-packages/")[2] in below)


def _real(path: str) -> str:
    """An environment may be reached by a link."""
    return os.path.realpath(path)
