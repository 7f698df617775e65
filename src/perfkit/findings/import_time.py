"""Time spent importing, by the import statement of the project that asks for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.importing import statement
from perfkit.findings.interface import Candidate, View, place
from perfkit.model.finding import Advice, Confidence, Evidence, Inside
from perfkit.model.recording import Frame
from perfkit.shared.origin import module_path

LEAST_SECONDS = 0.25


class ImportTime:
    """Importing takes a large part of a run.

    **What it sees.** Samples inside the import system, charged to the project's line that imports. For a server, start-up
    is kept apart from serving, so that only imports inside requests count here.

    **Why it hurts.** A command, a test run, a worker that is recycled and a function that starts cold pay it every time.

    **Before**

        import pandas            # at the top of a command that rarely needs it

    **After**

        def export():
            import pandas

    `python -X importtime` shows the modules below the statement.

    **When to ignore it.** The process starts once and runs for days.
    """

    name: ClassVar[str] = "import-time"
    summary: ClassVar[str] = "importing takes a large part of a run"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        claims: defaultdict[Frame, dict[int, float]] = defaultdict(dict)
        imported: defaultdict[Frame, Counter[Frame]] = defaultdict(Counter)
        samples: Counter[Frame] = Counter()
        for time in view.code:
            frames = view.inner(time)
            index = statement(frames)
            if index is None:
                continue
            frame = frames[index]
            claims[frame][time.stack] = 1.0
            samples[frame] += time.n
            module = next((f for f in frames[index + 1 :] if f.function == "<module>"), None)
            if module is not None:
                imported[frame][module] += time.n
        for frame, claim in claims.items():
            if view.seconds(claim) >= LEAST_SECONDS:
                yield self._candidate(view, frame, claim, imported[frame], samples[frame])

    def _candidate(
        self, view: View, frame: Frame, claim: dict[int, float], imported: Counter[Frame], n: int
    ) -> Candidate:
        inside: Inside | None = view.inside(imported.most_common(1)[0][0]) if imported else None
        text = (view.lines.text(frame.file, frame.line) or "").strip()
        what = inside.distribution if inside and inside.distribution else "a module"
        return Candidate(
            rule=self.name,
            title=f"Importing {what} takes long"
            if view.analysis.kind == "script"
            else f"{what} is imported while serving",
            claim=claim,
            where=place(frame),
            inside=inside,
            evidence=(
                Evidence(
                    f"{view.observed(n)} lie below " + (f"`{text[:80]}`." if text else "the import."), n, "samples", n=n
                ),
            ),
            advice=Advice(
                "import it inside the function that needs it, or import a smaller part of it; "
                "`python -X importtime` names the modules"
            ),
            saves=(0.5, 1.0),
            confidence=Confidence("high" if n >= 20 else "medium", f"{view.observed(n)} lie below this import"),
            least=0.10 if view.analysis.kind == "script" else 0.02,
            detail=text or (module_path(inside.file) if inside else ""),
        )
