"""Installing: what uv and pip are called with, and why one of them failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

INSTEAD = (
    "--baseline-env PATH of a virtual environment that has them, or --baseline-env same: what is installed, for both"
)
_LONGEST = 900.0
_STEERING = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "PERFKIT_", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_")
# uv tells the cause last, after the arrow; pip first.
_CAUSES = ("╰─▶", "error:", "ERROR:", "error", "×")
_WORDS = 200


@dataclass(frozen=True, slots=True)
class Installer:
    """The words of its commands, up to what is to be installed or uninstalled."""

    install: tuple[str, ...]
    uninstall: tuple[str, ...]


def installers(python: str, has_pip: bool) -> list[Installer]:
    """For the environment of `python`. Its own pip comes first: settings of an index are the one's or the other's."""
    path = os.pathsep.join((os.environ.get("PATH", ""), str(Path(sys.executable).parent)))
    uv = shutil.which("uv", path=path)
    found = [_pip(python, "-m", "pip")] if has_pip else []
    if uv is not None:
        words = ("--quiet", "--python", python)
        found.append(Installer((uv, "pip", "install", *words), (uv, "pip", "uninstall", *words)))
    if not has_pip and find_spec("pip") is not None:
        found.append(_pip(sys.executable, "-m", "pip", "--python", python))
    return found


def _pip(*words: str) -> Installer:
    return Installer((*words, "install", "--quiet", "--no-input"), (*words, "uninstall", "--quiet", "--yes"))


def run(words: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Without what would lead it to another environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}
    try:
        return subprocess.run(
            words,
            cwd=cwd,
            env={**environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(words), 1, "", f"it took longer than {_LONGEST:.0f} s")


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """What it said, in one line."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    found = (line for cause in _CAUSES for line in lines if line.startswith(cause))
    line = next(found, lines[-1] if lines else "it says nothing")
    for cause in _CAUSES:
        line = line.removeprefix(cause).strip()
    return (line if len(line) <= _WORDS else line[: _WORDS - 1] + "…").rstrip(".:")
