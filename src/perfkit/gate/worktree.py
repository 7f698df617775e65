"""Work trees: a commit comes in; a folder with its files goes out, and is gone at the end, however that comes."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE, Revision, git

_QUOTED = re.compile(r"'(/[^'\n]+)'|\"(/[^\"\n]+)\"")


@contextmanager
def worktree(revision: Revision, copied: Sequence[str] = ()) -> Iterator[Path]:
    """`copied` are files and folders that git does not hold and the application needs, relative to the repository."""
    parent = Path(tempfile.mkdtemp(prefix="perfkit-baseline-"))
    # Its own folder has the repository's name: programs may show it.
    folder = parent / revision.root.name
    try:
        added = git(revision.root, "worktree", "add", "--detach", "--force", str(folder), revision.commit)
        if added.returncode:
            reason = (added.stderr.strip().splitlines() or ["git says nothing"])[-1]
            raise PerfkitError(f"the baseline cannot be checked out: {reason}.", "git worktree list", NOT_COMPARABLE)
        for name in copied:
            _copy(revision.root, folder, name)
        yield folder
    finally:
        git(revision.root, "worktree", "remove", "--force", "--force", str(folder))
        shutil.rmtree(parent, ignore_errors=True)
        git(revision.root, "worktree", "prune")


def _copy(root: Path, folder: Path, name: str) -> None:
    source, target = root / name, folder / name
    if not source.exists() or not source.resolve().is_relative_to(root.resolve()):
        raise PerfkitError(
            f"--copy {name}: there is no such file in the repository.", "give a path below its root", USAGE
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def import_path(executable: str, root: Path, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Folders of the work tree for PYTHONPATH, where those of the checkout itself would be imported: what PYTHONPATH names
    already, and what is installed as editable beside the `executable`."""
    told = [Path(path) for path in environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(path)]
    moved = []
    for path in [*told, *_editable(executable, root)]:
        if path.resolve().is_relative_to(root.resolve()):
            moved.append(str(folder / path.resolve().relative_to(root.resolve())))
        elif path in told:
            moved.append(str(path))
    return list(dict.fromkeys(moved))


def _editable(executable: str, root: Path) -> list[Path]:
    """As pip, setuptools, hatch and uv write it down: lines of a .pth file, or paths in the module that it imports."""
    found = []
    for file in sorted(Path(executable).parent.parent.glob("lib/python3*/site-packages/*")):
        if file.suffix == ".pth":
            found += [Path(line) for line in _read(file).splitlines() if line.startswith("/")]
        elif file.name.startswith("__editable__") and file.suffix == ".py":
            found += [Path(one or other) for one, other in _QUOTED.findall(_read(file))]
    inside = [path for path in found if path.resolve().is_relative_to(root.resolve()) and path.exists()]
    return [path.parent if path.is_file() or (path / "__init__.py").is_file() else path for path in inside]


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
