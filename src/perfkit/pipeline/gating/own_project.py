"""The project as it is installed: which distributions come from the repository, and the baseline's in their place."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perfkit.errors import PerfkitError
from perfkit.gate.lock_formats import normalised
from perfkit.gate.revisions import NOT_COMPARABLE
from perfkit.pipeline.gating.installing import installers, reason, run
from perfkit.pipeline.gating.interpreters import Interpreter

_SOURCES = (".", "src", "lib", "python")


@dataclass(frozen=True, slots=True)
class Own:
    """A distribution that is built from `folder` below the repository's root; not an editable one."""

    name: str
    folder: Path


def names(root: Path, cwd: Path) -> dict[str, Path]:
    """Of the projects around `cwd`: the folder of each, relative to the root."""
    found = {}
    for folder in [one for one in (cwd, *cwd.parents) if one.is_relative_to(root)] or [root]:
        name = _name(folder / "pyproject.toml")
        if name is not None:
            found[normalised(name)] = folder.relative_to(root)
    return found


def _name(file: Path) -> str | None:
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        name = read.get("project", {}).get("name") or read.get("tool", {}).get("poetry", {}).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


def installed(there: Interpreter, root: Path, cwd: Path) -> list[Own]:
    """Those whose code lies beside the interpreter, whichever revision is checked out."""
    around = names(root, cwd)
    found = []
    for name, one in there.installed.items():
        place = Path(unquote(urlsplit(one.url or "").path))
        inside = (one.url or "").startswith("file:") and place.is_relative_to(root)
        if one.editable or not (inside or name in around) or not any(_is_installed(file) for file in one.files):
            continue
        # A wheel that was built here lies in dist.
        found.append(Own(name, place.relative_to(root) if inside and place.is_dir() else around.get(name, Path())))
    return found


def below(file: str) -> str:
    """A module's path in site-packages."""
    return file.rpartition("-packages/")[2]


def _is_installed(file: str) -> bool:
    return "/site-packages/" in file or "/dist-packages/" in file


def check_fresh(own: Sequence[Own], there: Interpreter, root: Path) -> None:
    """Raises PerfkitError (3) where what is installed is not what is checked out: the gate would judge other code."""
    for one in own:
        for file, source in _pairs(one, there, root):
            if file.read_bytes() != source.read_bytes():
                raise PerfkitError(
                    f"{one.name} is installed, and {source.relative_to(root)} is not what is installed of it.",
                    "install it again from the work tree, best as editable: pip install -e .",
                    NOT_COMPARABLE,
                )


def _pairs(own: Own, there: Interpreter, root: Path) -> Iterator[tuple[Path, Path]]:
    """Files as they are installed, and as the work tree has them, where it does."""
    for name in there.installed[own.name].files:
        for place in _SOURCES:
            source = root / own.folder / place / below(name)
            if source.is_file() and Path(name).is_file():
                yield Path(name), source
                break


def build(own: Sequence[Own], there: Interpreter, folder: Path, target: Path) -> None:
    """Installs the projects as the work tree in `folder` has them into `target`, for PYTHONPATH. Raises PerfkitError (3)."""
    said = ""
    projects = [str(folder / one.folder) for one in own]
    for installer in installers(there.executable, "pip" in there.installed):
        for more in ((), ("--no-build-isolation",)):
            words = [*installer.install, "--no-deps", *more, "--target", str(target), *projects]
            done = run(words, folder)
            if done.returncode == 0:
                return
            said = said or reason(done)
    which = " and ".join(one.name for one in own)
    raise PerfkitError(
        f"{which} is installed, and the baseline's cannot be built: {said or 'neither uv nor pip is there'}.",
        "install the project as editable, so that both revisions run from their folders: pip install -e .",
        NOT_COMPARABLE,
    )
