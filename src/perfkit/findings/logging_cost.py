"""Time spent formatting and writing logs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View
from perfkit.findings.mechanism import uses
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Stack
from perfkit.shared.origin import module_path

_LOGGING = {"logging/__init__.py", "loguru/_logger.py", "structlog/_base.py", "structlog/stdlib.py", "eliot/_output.py"}


class LoggingCost:
    """Formatting and writing logs takes a visible share of the time.

    **What it sees.** Samples inside `logging`, loguru or structlog, charged to the project's line that logs. A server's
    own access log is left out.

    **Why it hurts.** A handler formats and writes inside the request, under one lock for all threads; with a slow disk or
    terminal behind it every request waits for it. Arguments that are expensive to build are built even for a level that is off.

    **Before**

        for row in rows:
            log.debug("row %s" % dump(row))

    **After**

        if log.isEnabledFor(logging.DEBUG):
            log.debug("%d rows", len(rows))

    and `logging.handlers.QueueHandler`, so that a thread of its own writes.

    **When to ignore it.** The log is an audit trail that must be written before the answer is sent.
    """

    name: ClassVar[str] = "logging-cost"
    summary: ClassVar[str] = "formatting and writing logs takes a visible share of the time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        for use in uses(view, _outermost_logging):
            if use.where is None:
                continue
            yield Candidate(
                rule=self.name,
                title=f"Logging in {use.where.function}()",
                claim=use.claim,
                where=use.where,
                inside=use.inside,
                evidence=(
                    Evidence(f"{view.observed(use.n)} lie inside logging.", use.n, "samples", n=use.n, where=use.where),
                ),
                advice=Advice(
                    "log once per request instead of once per row, guard expensive arguments with isEnabledFor(), and write "
                    "through logging.handlers.QueueHandler"
                ),
                saves=(0.5, 1.0),
                confidence=Confidence(
                    "high" if use.n >= 30 else "medium", f"{view.observed(use.n)} lie inside logging"
                ),
                least=0.05,
            )


def _outermost_logging(frames: Stack, time: StackTime) -> int | None:
    for index, frame in enumerate(frames):
        if frame.origin != "app" and module_path(frame.file) in _LOGGING:
            return index
    return None
