"""Remembered verdicts: what the last gate said, as its JSON report, is kept in git's own folder for `explain` and `accept`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate.revisions import NOT_COMPARABLE, out, root_of
from perfkit.model.finding import Place
from perfkit.model.gate import AcceptedBreach, Breach, CountJudged, CountKey, TimeJudged, Undecided, Verdict

SCHEMA = "perfkit.gate/1"

Object = dict[str, Any]


def keep(folder: Path, text: str) -> None:
    """Nothing is kept outside of a repository, or where git's folder cannot be written: that fails no gate."""
    try:
        path = _path(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except (PerfkitError, OSError):
        return


def last(folder: Path, file: Path | None) -> Verdict:
    """Of `file`, else of the last gate in this repository. Raises PerfkitError (2, 3)."""
    root = root_of(folder)
    path = file or _path(folder)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if file is not None:
            raise PerfkitError(
                f"{file} does not exist.", "give the file that --report json=FILE wrote", USAGE
            ) from None
        hint = "perfkit gate …, or --from FILE with what --report json=FILE wrote elsewhere"
        raise PerfkitError("no gate has been run here yet.", hint, NOT_COMPARABLE) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PerfkitError(f"{path} cannot be read: {error}.", "make it readable", USAGE) from None
    try:
        found = json.loads(text)
        if found["schema"] != SCHEMA:
            raise ValueError("it is of another schema")
        return _verdict(found, root)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        hint = "give the file that --report json=FILE wrote"
        raise PerfkitError(f"{path} is no verdict of a gate.", hint, USAGE) from None


def _path(folder: Path) -> Path:
    root = root_of(folder)
    found = out(root, "rev-parse", "--git-path", "perfkit/gate.json")
    return root / (found or ".git/perfkit/gate.json")


def _verdict(found: Object, root: Path) -> Verdict:
    return Verdict(
        answer=found["verdict"],
        baseline=found["baseline"],
        current=found["current"],
        breaches=tuple(_breach(one, root) for one in found["breaches"]),
        undecided=tuple(Undecided(one["unit"], one["metric"], one["reason"]) for one in found["undecided"]),
        times=tuple(_time(one) for one in found["times"]),
        counts=tuple(_count(one, root) for one in found["counts"]),
        units=tuple(found["units"]),
        root=str(root),
        vanished=tuple(found["vanished"]),
        appeared=tuple(found["appeared"]),
        notes=tuple(found["notes"]),
        accepted=tuple(
            AcceptedBreach(_breach(one["breach"], root), one["reason"]) for one in found.get("accepted", ())
        ),
        commit=found.get("commit"),
    )


def _breach(one: Object, root: Path) -> Breach:
    return Breach(
        unit=str(one["unit"]),
        metric=str(one["metric"]),
        title=str(one["title"]),
        budget=str(one["budget"]),
        baseline=None if one["baseline"] is None else float(one["baseline"]),
        current=float(one["current"]),
        key=str(one["key"]),
        why=one["why"],
        where=_place(one["where"], root),
        since=one["since"],
    )


def _time(one: Object) -> TimeJudged:
    return TimeJudged(
        unit=one["unit"],
        clock=one["clock"],
        status=one["status"],
        baseline=_number(one["baseline"]),
        current=_number(one["current"]),
        change=_number(one["change"]),
        low=_number(one["low"]),
        high=_number(one["high"]),
        sees=_number(one["sees"]),
        pairs=int(one["pairs"]),
    )


def _count(one: Object, root: Path) -> CountJudged:
    key = CountKey(one["unit"], one["what"], one["name"])
    spread = tuple(float(value) for value in one["spread"])
    where = _place(one["where"], root)
    return CountJudged(key, one["status"], float(one["baseline"]), float(one["current"]), spread, where)


def _number(value: float | None) -> float:
    """What was not finite is null in the document."""
    return float("inf") if value is None else float(value)


def _place(one: Object | None, root: Path) -> Place | None:
    return None if one is None else Place(str(root / one["file"]), int(one["line"]), str(one["function"]), "app")
