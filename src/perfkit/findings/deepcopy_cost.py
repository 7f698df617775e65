"""Time in `copy.deepcopy`, by who asks for the copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.mechanism import uses
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Stack
from perfkit.shared.origin import module_path


class DeepcopyCost:
    """Deep copies take a visible share of the time.

    **What it sees.** Samples inside `copy.deepcopy`, charged to the line that asks for the copy.

    **Why it hurts.** `deepcopy` walks every object it can reach in Python code, about 1 µs and more for each, and keeps a
    table of all of them. Its cost grows with the whole structure, however little of it is changed afterwards.

    **Before**

        options = copy.deepcopy(DEFAULTS)
        options["page"] = page

    **After**

        options = {**DEFAULTS, "page": page}

    **When to ignore it.** The copy guards against callers that change nested values, and the structure is small.
    """

    name: ClassVar[str] = "deepcopy-cost"
    summary: ClassVar[str] = "deep copies take a visible share of the time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        for use in uses(view, _outermost_deepcopy):
            yield Candidate(
                rule=self.name,
                title=f"Deep copy in {use.where.function if use.where else 'a library'}()",
                claim=use.claim,
                where=use.where,
                inside=use.inside,
                evidence=(
                    Evidence(
                        f"{view.observed(use.n)} lie inside copy.deepcopy.", use.n, "samples", n=use.n, where=use.where
                    ),
                ),
                advice=Advice(
                    "copy only what is changed: a shallow copy of the outer container, an immutable or shared structure, "
                    "or a rebuild of the few fields that differ"
                ),
                saves=(0.7, 1.0),
                confidence=Confidence(
                    "high" if use.n >= 30 else "medium", f"{view.observed(use.n)} lie inside copy.deepcopy"
                ),
                least=0.03,
            )


def _outermost_deepcopy(frames: Stack, time: StackTime) -> int | None:
    for index, frame in enumerate(frames):
        if frame.origin == "stdlib" and frame.function == "deepcopy" and module_path(frame.file) == "copy.py":
            return index
    return None
