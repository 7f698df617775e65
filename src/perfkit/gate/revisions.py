"""Revisions: what the user names as the baseline comes in; the commit to compare with goes out, or why there is none."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from perfkit.errors import PerfkitError

NOT_COMPARABLE = 3
_LONGEST = 120.0
_BRANCH = re.compile(r"(?!HEAD$|@$|[0-9a-f]{7,40}$)[\w./@-]+")


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
    root = root_of(folder)
    head = commit(root, "HEAD")
    if head is None:
        raise PerfkitError("the repository has no commit yet.", "commit first", NOT_COMPARABLE)
    there = commit(root, name)
    if there is None:
        raise _unknown(root, name)
    base = out(root, "merge-base", there, head)
    if base is None:
        raise _unrelated(root, name)
    return Revision(root, name, base, base == head, dirty(root))


def named(folder: Path, name: str) -> Revision:
    """That commit itself. Raises PerfkitError (3)."""
    root = root_of(folder)
    there = commit(root, name)
    if there is None:
        raise _unknown(root, name)
    return Revision(root, name, there, there == commit(root, "HEAD"), dirty(root))


def is_revision(folder: Path, name: str) -> bool:
    try:
        return commit(root_of(folder), name) is not None
    except PerfkitError:
        return False


def clean_head(folder: Path) -> str | None:
    """The commit that the work tree is, to the letter; None where it differs, or there is no repository."""
    try:
        root = root_of(folder)
    except PerfkitError:
        return None
    return None if dirty(root) else commit(root, "HEAD")


def dirty(root: Path) -> bool:
    return bool(out(root, "status", "--porcelain", "--untracked-files=no"))


def git(root: Path, *words: str, said: str | None = None) -> subprocess.CompletedProcess[str]:
    """Raises PerfkitError (3) where git is missing or hangs. No prompt, and no pager; `said` is what it reads."""
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
            input=said or "",
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


def out(root: Path, *words: str) -> str | None:
    """What git prints, None where it fails."""
    found = git(root, *words)
    return found.stdout.strip() if found.returncode == 0 else None


def root_of(folder: Path) -> Path:
    """The repository's folder. Raises PerfkitError (3)."""
    found = git(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        if "dubious ownership" in found.stderr:
            hint = f"git config --global --add safe.directory {folder}"
            raise PerfkitError("git does not trust this repository: it belongs to somebody else.", hint, NOT_COMPARABLE)
        raise PerfkitError(
            f"{folder} is in no git repository.", "go into one, or give a baseline file or a recording", NOT_COMPARABLE
        )
    return Path(found.stdout.strip())


def commit(root: Path, name: str) -> str | None:
    """None where there is none of that name. A name that begins with `-` would be an option."""
    return None if name.startswith("-") else out(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _is_shallow(root: Path) -> bool:
    return out(root, "rev-parse", "--is-shallow-repository") == "true"


def _unknown(root: Path, name: str) -> PerfkitError:
    if commit(root, f"origin/{name}") is not None:
        return PerfkitError(
            f"there is no branch, tag or commit {name} here.", f"--baseline origin/{name}", NOT_COMPARABLE
        )
    if _is_shallow(root):
        return PerfkitError(f"this clone is shallow and does not hold {name}.", _to_fetch(name), NOT_COMPARABLE)
    hint = "git branch --all lists what there is; git fetch brings what there is elsewhere"
    return PerfkitError(f"there is no branch, tag, commit or file {name} here.", hint, NOT_COMPARABLE)


def _to_fetch(name: str) -> str:
    """A clone of one branch has no place for others: they need one to be named afterwards. HEAD~1 and 1a2b3c4 are no branches."""
    there = name.removeprefix("origin/")
    in_ci = "actions/checkout: fetch-depth: 0"
    if not _BRANCH.fullmatch(there):
        return f"git fetch --unshallow   ({in_ci})"
    return (
        f"git fetch --unshallow origin {there}:refs/remotes/origin/{there}   then --baseline origin/{there} ({in_ci})"
    )


def _unrelated(root: Path, name: str) -> PerfkitError:
    if _is_shallow(root):
        hint = "git fetch --unshallow   (actions/checkout: fetch-depth: 0)"
        return PerfkitError(f"this clone is too shallow to tell where it left {name}.", hint, NOT_COMPARABLE)
    return PerfkitError(f"HEAD and {name} have no commit in common.", "give another baseline", NOT_COMPARABLE)
