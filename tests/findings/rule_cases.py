"""What a rule case is: a recording in text, and the finding that must come of it (`Fires`) or must not (`Quiet`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import Verdicts
from recordings_from_text import Sources, path_of, recording_of

TODAY = date(2026, 1, 1)


@dataclass(frozen=True)
class Fires:
    """`at` is the project's place, `file:line` or `file#mark`, empty where the cause has none; `inside` is
    `function@distribution`; `share` of the time."""

    name: str
    rule: str
    text: str
    function: str
    at: str
    share: float
    sources: Mapping[str, str] = field(default_factory=dict)
    inside: str | None = None
    endpoint: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, int] | None:
        """Function, file and line."""
        if not self.at:
            return None
        if "#" in self.at:
            file, _, mark = self.at.partition("#")
            return self.function, path_of(file), Sources.read(self.sources, 0).marks[path_of(file), mark]
        file, _, line = self.at.partition(":")
        return self.function, path_of(file), int(line)


@dataclass(frozen=True)
class Quiet:
    name: str
    rule: str
    text: str
    sources: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def verdicts_of(case: Fires | Quiet, **changes: Any) -> Verdicts:
    options = {**case.options, **changes}
    return judge(analyse(recording_of(case.text, sources=case.sources, **options)), (), TODAY)


def hot(function: str, source: str) -> dict[str, Any]:
    """`text` and `sources` of a script whose `function` of shop.py spends its time at the mark `hot`: 90 looks, 10 at
    `cold` where that is marked."""
    text = f"script>; {function}@shop.py#hot 90"
    if "#<cold>" in source:
        text += f"\nscript>; {function}@shop.py#cold 10"
    return {"text": text, "sources": {"shop.py": source}}
