"""Accepted: slowdowns that are meant, as `perfkit-accepted.toml` beside the code tells them, with a reason each.

An entry is a permission as long as the baseline does not have it. Once it is merged it is history: the baseline is as slow by then,
and the next slowdown of the same thing needs an entry of its own.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.revisions import out
from perfkit.model.gate import Accepted, AcceptedBreach, Breach

FILE: Final = "perfkit-accepted.toml"
_HEAD = """\
# Slowdowns that were meant. Written by perfkit gate accept; each holds until its branch is merged.
"""
# What is measured strays: a share that was accepted may come out so much larger the next time.
_STRAYS = 0.02
_SHARES = ("cpu", "wall", "p50", "p95", "p99", "rss_peak")


class Split(NamedTuple):
    left: tuple[Breach, ...]
    accepted: tuple[AcceptedBreach, ...]


def since(root: Path, commit: str | None) -> tuple[Accepted, ...]:
    """Entries of the work tree that the baseline's `commit` does not have. Raises PerfkitError (2) for a file that is damaged."""
    text = _text_of(root / FILE)
    if text is None:
        return ()
    old = out(root, "show", f"{commit}:{FILE}") if commit else None
    before = _read(old, f"{FILE} of the baseline") if old else []
    return tuple(one for one in _read(text, FILE) if one not in before)


def split(breaches: Iterable[Breach], entries: Sequence[Accepted]) -> Split:
    left, meant = [], []
    for breach in breaches:
        entry = next((one for one in entries if one.key == breach.key and _holds(one, breach)), None)
        if entry is None:
            left.append(breach)
        else:
            meant.append(AcceptedBreach(breach, entry.reason))
    return Split(tuple(left), tuple(meant))


def _holds(entry: Accepted, breach: Breach) -> bool:
    """A count by its number, what is measured by its share of the baseline; what the baseline does not have at all, as it is."""
    return breach.baseline is None or size(breach) <= entry.limit + (_STRAYS if breach.metric in _SHARES else 0)


def size(breach: Breach) -> float:
    """What an entry limits: a count as it is, for what is measured the growth as a share of the baseline."""
    if breach.metric not in _SHARES or not breach.baseline:
        return breach.current
    return breach.current / breach.baseline - 1


def entry(breach: Breach, reason: str) -> Accepted:
    return Accepted(breach.key, round(size(breach), 4), reason)


def add(root: Path, entries: Iterable[Accepted]) -> Path:
    """Appends to the file; what stands in it stays as it is. Raises PerfkitError (2)."""
    path = root / FILE
    text = _text_of(path) or _HEAD
    there = _read(text, FILE)
    for one in entries:
        if one not in there:
            text = (
                text.rstrip("\n")
                + f"\n\n[[accepted]]\nkey = {_text(one.key)}\nlimit = {one.limit:g}\nreason = {_text(one.reason)}\n"
            )
    _read(text, FILE)
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise PerfkitError(f"{path} cannot be written: {error.strerror}.", "make it writable", USAGE) from None
    return path


def _text_of(path: Path) -> str | None:
    """None where there is no such file. Raises PerfkitError (2)."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise PerfkitError(f"{path} cannot be read: {error}.", "make it readable, or remove it", USAGE) from None


def _text(value: str) -> str:
    """JSON's strings are TOML's, but for DEL."""
    return json.dumps(value).replace("\x7f", "\\u007f")


def _read(text: str, source: str) -> list[Accepted]:
    try:
        found = tomllib.loads(text).get("accepted", [])
        return [Accepted(str(one["key"]), float(one["limit"]), str(one["reason"])) for one in found]
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        hint = "each [[accepted]] has key, limit and reason"
        raise PerfkitError(f"{source} is damaged: {str(error)[:80]}.", hint, USAGE) from None
