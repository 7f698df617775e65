"""What is known of a log so far, as plain data: parts of a log, read by other processes, are added; a SqlLog goes out at the end."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from perfkit.collectors.sqllog.interface import Incident
from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.repeats import Runs
from perfkit.collectors.sqllog.tallies import Tally
from perfkit.collectors.sqllog.waits import Waits
from perfkit.model.sqllog import Digest, Histogram, SqlLog, earlier, later
from perfkit.shared import redact

_MOST_ERRORS = 2000
_LONGEST_ERROR = 200  # characters
_KEY = re.compile(r"\)=\(.*\)")  # Key (mail)=(a@b.org) already exists
_QUOTED = re.compile(
    r"'[^']*'|(?<!relation )(?<!column )(?<!constraint )(?<!table )(?<!index )(?<!function )(?<!database )(?<!role )\"[^\"]*\""
)
_DIGITS = re.compile(r"(?<![\w])\d+(?:\.\d+)?(?![\w])")

Key = tuple[str, str, bool]
"""System, fingerprint, and whether it was prepared."""


@dataclass(slots=True)
class Ledger:
    """`tallies` by statement; `errors` are those without one."""

    runs: Runs = field(default_factory=Runs)
    waits: Waits = field(default_factory=Waits)
    tallies: dict[Key, Tally] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    formats: dict[str, None] = field(default_factory=dict)
    system: str = ""
    events: int = 0
    lines: int = 0
    unparsed: int = 0
    filtered: int = 0
    examples: list[bytes] = field(default_factory=list)
    remarks: dict[str, None] = field(default_factory=dict)

    def tally(self, system: str, fingerprint: str, prepared: bool) -> Tally:
        key = (system, fingerprint, prepared)
        if key not in self.tallies:
            self.tallies[key] = Tally(fingerprint, prepared)
        return self.tallies[key]

    def incident(self, tally: Tally | None, incident: Incident) -> None:
        if incident.kind != "error":
            if tally is not None:
                tally.incidents[incident.kind] += 1
                tally.incidents[f"{incident.kind} amount"] += incident.amount
            return
        errors = self.errors if tally is None else tally.errors
        what = error_of(incident.what)
        errors[what if what in errors or len(errors) < _MOST_ERRORS else "(other)"] += incident.amount

    def merge(self, other: Ledger) -> list[Incident]:
        """`other` is of the part that follows. Gives the waits that turn out to have ended without a record."""
        for key, tally in other.tallies.items():
            if key in self.tallies:
                self.tallies[key].merge(tally)
            else:
                self.tallies[key] = tally
        for name in ("events", "lines", "unparsed", "filtered"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.system = self.system or other.system
        self.examples = (self.examples + other.examples)[:3]
        self.errors.update(other.errors)
        self.formats.update(other.formats)
        self.remarks.update(other.remarks)
        self.runs.merge(other.runs)
        return self.waits.merge(other.waits)

    def log(self, files: tuple[tuple[str, int], ...], options: LogOptions) -> SqlLog:
        """Leaves nothing to go on with: `runs` end here."""
        self.runs.finish()
        digests: dict[str, Digest] = {}
        errors = Counter(self.errors)
        for (system, _, _), tally in sorted(self.tallies.items(), key=lambda item: item[0]):
            digest = tally.digest(system, options)
            if tally.fingerprint in digests:
                digests[tally.fingerprint].merge(digest)
            else:
                digests[tally.fingerprint] = digest
        for fingerprint, digest in list(digests.items()):
            digest.time.values.sort()
            if not digest.time.count:
                errors.update(digest.errors)
                digest.errors.clear()
                if not digest.lock_waits and not digest.temp_files:
                    del digests[fingerprint]
            elif fingerprint in self.runs.found:
                digest.repeats = self.runs.found[fingerprint]
        log = SqlLog(self.system, tuple(self.formats), files, digests, self.events, self.lines, self.unparsed)
        examples = (example.decode("utf-8", "replace")[:_LONGEST_ERROR] for example in self.examples)
        log.examples = tuple(map(str if options.keep_literals else _without_values, examples))
        log.filtered, log.errors, log.remarks = self.filtered, errors, tuple(self.remarks)
        log.over_time = Histogram()
        for digest in digests.values():
            log.first, log.last = earlier(log.first, digest.first), later(log.last, digest.last)
            log.over_time.merge(digest.over_time)
        return log


@lru_cache(maxsize=4096)
def error_of(message: str) -> str:
    """A server's message without the values in it, so that equal errors count together."""
    line = message.partition("\n")[0][:_LONGEST_ERROR]
    return _DIGITS.sub("?", _without_values(line))


def _without_values(line: str) -> str:
    return _KEY.sub(")=(?)", _QUOTED.sub("?", redact.text(line)))
