"""Looking back: what the last gate said is kept, shown at length, and accepted; what was recorded of many commits becomes a history."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from perfkit.errors import USAGE, PerfkitError
from perfkit.gate import accepted, remembered, stores
from perfkit.gate import history as histories
from perfkit.gate.blame import hunk
from perfkit.gate.revisions import Revision, commit, root_of
from perfkit.model.gate import Accepted, Breach, Series, Verdict
from perfkit.reports import GATE_FORMATS, RenderOptions

last_verdict = remembered.last


def remember(folder: Path, verdict: Verdict) -> None:
    remembered.keep(folder, str(GATE_FORMATS.load("json")(verdict, RenderOptions())))


def chosen(verdict: Verdict, key: str | None) -> tuple[Breach, ...]:
    """Those whose key or unit is `key`, or a pattern of it; None is all. Raises PerfkitError (2) where none is."""
    if not verdict.breaches:
        raise PerfkitError(
            f"the last gate did not fail ({verdict.answer}).", "there is nothing to explain or accept", USAGE
        )
    found = tuple(
        one for one in verdict.breaches if key is None or key in (one.key, one.unit) or fnmatchcase(one.key, key)
    )
    if not found:
        names = "; ".join(one.key for one in verdict.breaches[:5])
        raise PerfkitError(f"the last gate did not fail for {key!r}.", f"it failed for: {names}", USAGE)
    return found


def breaches_at_length(folder: Path, verdict: Verdict, key: str | None) -> tuple[tuple[Breach, tuple[str, ...]], ...]:
    """Each with the lines of the diff that it comes from. Raises PerfkitError (2)."""
    root = root_of(folder)
    since = commit(root, verdict.commit) if verdict.commit else None
    found = []
    for breach in chosen(verdict, key):
        lines: tuple[str, ...] = ()
        if since is not None and breach.where is not None:
            lines = hunk(Revision(root, "", since, own=False, dirty=False), breach.where)
        found.append((breach, lines))
    return tuple(found)


def accept(folder: Path, verdict: Verdict, key: str | None, reason: str) -> tuple[Path, tuple[Accepted, ...]]:
    """Writes the entries. Raises PerfkitError (2)."""
    entries = tuple(accepted.entry(breach, reason) for breach in chosen(verdict, key))
    return accepted.add(root_of(folder), entries), entries


def history(folder: Path, where: str, metric: str, units: str) -> tuple[Series, ...]:
    """Raises PerfkitError: 2 for a metric that has none, 3 where nothing was recorded."""
    found = histories.series(stores.each(folder, where), metric, units)
    if not found:
        hint = "record each commit, in CI for example: perfkit gate record --notes -- COMMAND"
        raise PerfkitError(f"nothing of {metric} was recorded in {where}.", hint, 3)
    return found
