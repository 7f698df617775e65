"""Stores: where baselines are kept: a file, a folder with one file a commit (as CI caches hold), or git notes.

What the user names comes in; the baseline that is nearest to the work tree goes out, with the words for where it is from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.baselines import LONGEST, document, parse
from perfkit.gate.revisions import NOT_COMPARABLE, dirty, git, is_revision, out, root_of
from perfkit.model.gate import Baseline

NOTES: Final = "notes"
_REF: Final = "refs/notes/perfkit"
# Commits to look back for one that has a baseline.
_FURTHEST = 1000
_RECORDING = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Stored:
    """A baseline, or the recording to count one from; `name` is for people."""

    name: str
    baseline: Baseline | None = None
    recording: Path | None = None


def find(folder: Path, name: str) -> Stored | None:
    """None where `name` is neither `notes`, a file nor a folder: it may be a revision. Raises PerfkitError (3)."""
    if name == NOTES or name.startswith(f"{NOTES}:"):
        return _nearest(folder, name.partition(":")[2] or "HEAD", None)
    if not _looks_like_path(name) and is_revision(folder, name):
        return None  # a file may happen to have a branch's name: ./main is that file
    path = folder / name
    if path.is_dir() and _looks_like_path(name):
        return _nearest(folder, "HEAD", path)
    return _of_file(path, name) if path.is_file() else None


def keep(folder: Path, where: str, baseline: Baseline) -> str:
    """Writes it, and says where. Raises PerfkitError (2) where it cannot be written, (3) where notes have no commit."""
    text = document(baseline)
    path = folder / where
    if where == NOTES:
        if baseline.commit is None:
            raise PerfkitError(
                "a note needs a commit, and the work tree differs from HEAD.",
                "commit first, or write a file: -o FILE",
                NOT_COMPARABLE,
            )
        done = git(root_of(folder), "notes", f"--ref={_REF}", "add", "--force", "--file=-", baseline.commit, said=text)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["git says nothing"])[-1]
            raise PerfkitError(f"git wrote no note: {reason}.", "write a file instead: -o FILE", NOT_COMPARABLE)
        return f"a note on {baseline.commit[:9]}; to share it: git push origin {_REF}"
    if path.is_dir():
        if baseline.commit is None:
            hint = "commit first, or give a file"
            raise PerfkitError(
                f"a file in {where} is named after its commit, and the work tree differs from HEAD.",
                hint,
                NOT_COMPARABLE,
            )
        path = path / f"{baseline.commit}.json"
    try:
        _write(path, text)
    except OSError as error:
        raise PerfkitError(f"{path} cannot be written: {error.strerror}.", "give another file with -o", USAGE) from None
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def each(folder: Path, where: str) -> Iterator[tuple[str, str, Baseline]]:
    """Commit, its subject, and what was recorded of it, oldest first: of notes, of a folder, or of a file's own history.

    Damaged ones and those of an older schema are left out. Raises PerfkitError (3).
    """
    root = root_of(folder)
    there = folder / where
    of_file = where != NOTES and not there.is_dir()
    noted = _noted(root) if where == NOTES else frozenset()
    for commit, subject in reversed(_commits(folder, "HEAD", where) if of_file else _commits(root, "HEAD")):
        if where == NOTES:
            text = out(root, "notes", f"--ref={_REF}", "show", commit) if commit in noted else None
        elif of_file:
            text = out(folder, "show", f"{commit}:./{where}")
        else:
            text = _read(there / f"{commit}.json")
        if text:
            try:
                yield commit, subject, parse(text, commit)
            except PerfkitError:
                continue


def _nearest(folder: Path, name: str, files: Path | None) -> Stored:
    """Of the commits behind `name`. HEAD itself would be compared with itself, unless something was changed since."""
    root = root_of(folder)
    behind = [commit for commit, _ in _commits(root, name)]
    if name == "HEAD" and not dirty(root):
        behind = behind[1:]
    noted = _noted(root) if files is None else frozenset()
    for commit in behind:
        if files is not None and (text := _read(files / f"{commit}.json")):
            return Stored(f"{commit[:9]} in {files.name}", parse(text, f"{files.name}/{commit}.json"))
        if commit in noted:
            text = out(root, "notes", f"--ref={_REF}", "show", commit) or ""
            return Stored(f"the note on {commit[:9]}", parse(text, f"the note on {commit[:9]}"))
    where = f"in {files}" if files else f"in git notes ({_REF})"
    hint = "perfkit gate record" + (
        f" -o {files}" if files else f" --notes; elsewhere recorded: git fetch origin {_REF}:{_REF}"
    )
    raise PerfkitError(f"there is no baseline {where} for the commits before this one.", hint, NOT_COMPARABLE)


def _noted(root: Path) -> frozenset[str]:
    return frozenset(line.split()[1] for line in (out(root, "notes", f"--ref={_REF}", "list") or "").splitlines())


def _of_file(path: Path, name: str) -> Stored:
    with path.open("rb") as opened:
        if opened.read(len(_RECORDING)) == _RECORDING:
            return Stored(name, recording=path)
    text = _read(path)
    if text is None:
        raise PerfkitError(f"{name} cannot be read.", "make it readable, as UTF-8 text", NOT_COMPARABLE)
    return Stored(name, parse(text, name))


def _looks_like_path(name: str) -> bool:
    return "/" in name or name.startswith(".")


def _commits(root: Path, name: str, file: str | None = None) -> list[tuple[str, str]]:
    """Those of the first parents: what others did in their branches came with a merge. With a `file` those that changed it.
    Raises PerfkitError (3)."""
    only = ("--", file) if file is not None else ()
    if (
        name.startswith("-")
        or (found := out(root, "log", "--first-parent", f"-{_FURTHEST}", "--format=%H %s", name, *only)) is None
    ):
        raise PerfkitError(
            f"there is no branch, tag or commit {name} here.", "git branch --all lists what there is", NOT_COMPARABLE
        )
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in found.splitlines()]


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > LONGEST:
            return None
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
