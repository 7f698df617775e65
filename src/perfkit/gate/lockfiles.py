"""Lock files in use: two trees of one repository come in; which libraries the baseline wants otherwise goes out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from pathlib import Path

from perfkit.gate import lock_formats
from perfkit.gate.lock_formats import Lines, Lock

# Who has one of these has every version in it; the others name what they want, and perhaps no more.
_WHOLE: Mapping[str, Callable[[str], Lock]] = {
    "uv.lock": lock_formats.uv,
    "pylock.toml": lock_formats.pylock,
    "poetry.lock": lock_formats.poetry,
    "pdm.lock": lock_formats.pdm,
    "Pipfile.lock": lock_formats.pipfile,
}
_INCLUDED = re.compile(r"(?:(-r|--requirement)|(-c|--constraint))[\s=]*(\S+)")
_DEEPEST = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What the baseline has otherwise, in which `files`. `install` are its requirements that differ, `drop` names that it does not
    have. `wanted` and `pinned` are all of its wishes and versions, `options` lines for the installer."""

    files: tuple[str, ...] = ()
    install: Lines = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    wanted: Lines = field(default_factory=dict)
    pinned: Lines = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.install or self.drop)


def locks(root: Path, cwd: Path) -> Mapping[str, Lock]:
    """By path below `root` (with the part of a pyproject.toml): of the nearest folder from `cwd` up that has any, and of the root."""
    folders = [cwd, *cwd.parents] if cwd.is_relative_to(root) else [root]
    nearest = next((folder for folder in folders if folder == root or any(_of_folder(folder, root))), root)
    return {name: lock for folder in dict.fromkeys((nearest, root)) for name, lock in _of_folder(folder, root)}


def _of_folder(folder: Path, root: Path) -> Iterator[tuple[str, Lock]]:
    at = folder.relative_to(root)
    whole = False
    for name, read in _WHOLE.items():
        text = _text(folder / name)
        if text is not None:
            whole = True
            yield str(at / name), _parsed(read, text)
    for file in sorted([*folder.glob("requirements*.txt"), *folder.glob("requirements/*.txt")]):
        wanted, pinned, options = _requirements(file, root, 0)
        made = lock_formats.requirements
        yield str(file.relative_to(root)), Lock(made(wanted), made(pinned), tuple(options))
    for name, lock in _of_project(folder):
        yield str(at / name), _names(lock) if whole else lock


def _names(lock: Lock) -> Lock:
    """A whole lock has the versions; what is asked for by name is still the project's to say, unless for some platform alone."""
    return Lock(
        dict.fromkeys((name for name, lines in lock.wanted.items() if not any(";" in one for one in lines)), ())
    )


def _of_project(folder: Path) -> Iterator[tuple[str, Lock]]:
    text = _text(folder / "pyproject.toml")
    if text is not None:
        try:
            parts = lock_formats.project(text)
        except (tomllib.TOMLDecodeError, AttributeError, TypeError):
            parts = {}
        yield from ((f"pyproject.toml{part}", lock) for part, lock in parts.items() if lock.wanted)
    for name, read in (("setup.cfg", lock_formats.setup_cfg), ("setup.py", lock_formats.setup_py)):
        text = _text(folder / name)
        if text is not None and (lock := _parsed(read, text)).wanted:
            yield name, lock


def _requirements(file: Path, root: Path, depth: int) -> tuple[list[str], list[str], list[str]]:
    """Requirements, constraints, and options, with those of the files that it includes."""
    wanted: list[str] = []
    pinned: list[str] = []
    options: list[str] = []
    for text in (_text(file) or "").replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", text).strip()
        included = _INCLUDED.match(line)
        if included is not None:
            other = file.parent / included[3]
            if depth >= _DEEPEST or not other.resolve().is_relative_to(root.resolve()):
                continue
            more = _requirements(other, root, depth + 1)
            (wanted if included[1] else pinned).extend(more[0])
            pinned += more[1]
            options += more[2]
        elif line.startswith(("--", "-i", "-f")):
            options.append(line)
        elif line and not line.startswith("-"):
            wanted.append(line)
    return wanted, pinned, options


def _parsed(read: Callable[[str], Lock], text: str) -> Lock:
    """What cannot be read says nothing: the tool that owns it will complain."""
    try:
        return read(text)
    except (ValueError, SyntaxError, ConfigError, AttributeError, KeyError, TypeError):
        return Lock()


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else None
    except OSError:
        return None


def difference(before: Mapping[str, Lock], after: Mapping[str, Lock], installed: Collection[str]) -> Change:
    """What of `before` an environment with the distributions `installed` has otherwise. What is not there, such as another
    platform's, or of a group that nobody installed, does not count."""
    then, now = _together(before), _together(after)
    install: dict[str, tuple[str, ...]] = {}
    files = []
    for file, lock in before.items():
        changed = dict(_changed(lock, after.get(file), now, installed))
        if changed:
            files.append(file)
            install |= {name: lines or then.lines[name] for name, lines in changed.items() if name not in install}
    # Only where both sides name every distribution is one that is not named not there.
    whole = bool(then.pinned and now.pinned)
    added = {name for name in (now.lines if whole else now.wanted) if name in installed and name not in then.lines}
    files += [file for file, lock in after.items() if added & set(lock.lines) and file not in files]
    options = tuple(dict.fromkeys(one for lock in before.values() for one in lock.options))
    kept = {name: then.lines[name] for name in then.wanted if name in installed or name in install}
    return Change(tuple(files), install, tuple(sorted(added)), kept, then.pinned, options)


def _changed(
    then: Lock, now: Lock | None, everything: Lock, installed: Collection[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Of one file; a name that has gone from it may stand in another."""
    # A file of which hardly anything is installed is for something else: documentation, a linter.
    used = now is None or sum(name in installed for name in now.wanted) * 2 >= len(now.wanted)
    for name, lines in then.lines.items():
        other = (now.lines if now is not None else {}).get(name, everything.lines.get(name))
        if other is None:
            if name in then.wanted and used:
                yield name, lines
        elif other != lines and name in installed:
            yield name, lines


def _together(locks: Mapping[str, Lock]) -> Lock:
    """Those of the nearest folder come first, and stay."""
    wanted: dict[str, tuple[str, ...]] = {}
    pinned: dict[str, tuple[str, ...]] = {}
    for lock in locks.values():
        wanted |= {name: lines for name, lines in lock.wanted.items() if not wanted.get(name)}
        pinned |= {name: lines for name, lines in lock.pinned.items() if name not in pinned}
    return Lock(wanted, pinned)
