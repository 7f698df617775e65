"""Revisions: what the user names as the baseline comes in; the commit to compare with goes out, or why there is none."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import PerfkitError

NOT_COMPARABLE = 3
_LONGEST = 120.0


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of the repository at `root`. `name` is what the user called it; `own` whether it is what is checked out."""

    root: Path
    name: str
    commit: str
    own: bool
    dirty: bool

    @property
    def short(self) -> str:
        return self.commit[:9]


def baseline(folder: Path, name: str) -> Revision:
    """Where the work in `folder` left `name`: the merge base with HEAD. Raises PerfkitError (3)."""
    root = _root(folder)
    head = _commit(root, "HEAD")
    if head is None:
        raise PerfkitError("the repository has no commit yet.", "commit first", NOT_COMPARABLE)
    there = _commit(root, name)
    if there is None:
        raise _unknown(root, name)
    base = _out(root, "merge-base", there, head)
    if base is None:
        raise _unrelated(root, name)
    return Revision(root, name, base, base == head, bool(_out(root, "status", "--porcelain", "--untracked-files=no")))


def git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Raises PerfkitError (3) where git is missing or hangs. No prompt, and no pager."""
    environ = {
        name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    }
    try:
        return subprocess.run(
            ["git", "-C", str(root), "-c", "core.hooksPath=/dev/null", *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST,
            check=False,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C must not end what tidies up
            env={**environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise PerfkitError(
            "git is not installed.", "install it, or compare with a baseline file", NOT_COMPARABLE
        ) from None
    except subprocess.TimeoutExpired:
        raise PerfkitError(
            f"git {words[0]} took longer than {_LONGEST:.0f} s.", "try it by hand", NOT_COMPARABLE
        ) from None


def _out(root: Path, *words: str) -> str | None:
    found = git(root, *words)
    return found.stdout.strip() if found.returncode == 0 else None


def _root(folder: Path) -> Path:
    found = git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        if "dubious ownership" in found.stderr:
            hint = f"git config --global --add safe.directory {folder}"
            raise PerfkitError("git does not trust this repository: it belongs to somebody else.", hint, NOT_COMPARABLE)
        raise PerfkitError(
            f"{folder} is in no git repository.", "go into one, or give a baseline file or a recording", NOT_COMPARABLE
        )
    return Path(found.stdout.strip())


def _commit(root: Path, name: str) -> str | None:
    """A name that begins with `-` would be an option."""
    return None if name.startswith("-") else _out(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _is_shallow(root: Path) -> bool:
    return _out(root, "rev-parse", "--is-shallow-repository") == "true"


def _unknown(root: Path, name: str) -> PerfkitError:
    if _commit(root, f"origin/{name}") is not None:
        return PerfkitError(
            f"there is no branch, tag or commit {name} here.", f"--baseline origin/{name}", NOT_COMPARABLE
        )
    if _is_shallow(root):
        hint = f"git fetch --unshallow origin {name.removeprefix('origin/')}   (actions/checkout: fetch-depth: 0)"
        return PerfkitError(f"this clone is shallow and does not hold {name}.", hint, NOT_COMPARABLE)
    hint = "git branch --all lists what there is; git fetch brings what there is elsewhere"
    return PerfkitError(f"there is no branch, tag, commit or file {name} here.", hint, NOT_COMPARABLE)


def _unrelated(root: Path, name: str) -> PerfkitError:
    if _is_shallow(root):
        hint = "git fetch --unshallow   (actions/checkout: fetch-depth: 0)"
        return PerfkitError(f"this clone is too shallow to tell where it left {name}.", hint, NOT_COMPARABLE)
    return PerfkitError(f"HEAD and {name} have no commit in common.", "give another baseline", NOT_COMPARABLE)
