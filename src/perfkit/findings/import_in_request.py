"""Imports that requests wait for: modules loaded by them, and optional ones searched for in vain again and again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.importing import statement
from perfkit.findings.interface import Candidate, NotRunError, View, place
from perfkit.model.analysis import SpanUse
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.recording import Frame
from perfkit.shared.origin import NOT_FOUND
from perfkit.shared.units import plural, seconds

# Each process imports a module once; what comes more often than so comes with the requests.
AGAIN = 3
LEAST = 0.01
Line = tuple[str, str, int]  # file, function, line


class ImportInRequest:
    """Requests wait for imports.

    **What it sees.** Each module that is loaded while a request is served, and each optional one that is searched for in
    vain, timed and charged to the line that imports. It is reported when it comes back with the requests, or costs 1 % and
    more of the time.

    **Why it hurts.** A module that is there already costs a microsecond. One that is not installed is searched for in every
    folder of `sys.path` each time, 0.1 to 1 ms; and the first request after each start waits for everything that was put
    off until then.

    **Before**

        def encode(rows):
            try:
                import ujson as json        # not installed: searched for in each request
            except ImportError:
                import json
            return json.dumps(rows)

    **After**

        try:
            import ujson as json
        except ImportError:
            import json

        def encode(rows):
            return json.dumps(rows)

    **When to ignore it.** The module is large, few requests need it, and those can wait.
    """

    name: ClassVar[str] = "import-in-request"
    summary: ClassVar[str] = "requests wait for imports"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        if view.analysis.kind != "server":
            return
        if not view.timed:
            raise NotRunError("nothing was timed inside the target")
        sites: defaultdict[Line, list[SpanUse]] = defaultdict(list)
        frames: dict[Line, Frame] = {}
        for use in view.analysis.uses:
            if use.kind == "import":
                stack = view.analysis.stacks.expand(use.stack)[:-1]
                frame = view.deciding(stack, len(stack))
                key = (frame.file, frame.function, frame.line) if frame is not None else ("", "", 0)
                sites[key].append(use)
                if frame is not None:
                    frames[key] = frame
        processes = max(1, len(view.analysis.processes))
        sampled = _sampled(view)
        for key, uses in sites.items():
            again = max(_by_module(uses).values()) > AGAIN * processes
            yield self._candidate(view, uses, frames.get(key), again, sampled[key])

    def _candidate(
        self, view: View, uses: list[SpanUse], frame: Frame | None, again: bool, sampled: dict[int, float]
    ) -> Candidate:
        counts = _by_module(uses)
        outermost = max(uses, key=lambda use: (use.seconds if again else use.spent, use.spent))
        module = outermost.text.removesuffix(NOT_FOUND)
        missing = outermost.text.endswith(NOT_FOUND)
        n = counts[outermost.text]
        requests = sum(use.requests for use in uses if use.text == outermost.text)
        each = sum(use.spent for use in uses if use.text == outermost.text) / n
        verb = "is not installed and searched for" if missing else "is loaded"
        said = f"{module} {verb} {plural(n, 'time')} in {plural(requests, 'request')}, {seconds(each)} each time."
        where = place(frame) if frame is not None else None
        return Candidate(
            rule=self.name,
            title=f"{module} is searched for again in each request"
            if missing
            else f"Requests wait for the import of {module}",
            claim={**sampled, **{use.stack: 1.0 for use in uses}},
            where=where,
            evidence=(Evidence(said, n, "times", n=requests, where=where),),
            advice=Advice(_advice(missing, again)),
            saves=(0.9, 1.0),
            confidence=Confidence("high" if again else "medium", f"{plural(n, 'import')} timed"),
            least=LEAST,
            detail=module,
        )


def _sampled(view: View) -> defaultdict[Line, dict[int, float]]:
    """What samples saw of the import system, by the line that imports: locks and look-ups around what was timed."""
    found: defaultdict[Line, dict[int, float]] = defaultdict(dict)
    for time in view.code:
        frames = view.inner(time)
        index = statement(frames)
        if index is not None:
            frame = frames[index]
            found[frame.file, frame.function, frame.line][time.stack] = 1.0
    return found


def _by_module(uses: list[SpanUse]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for use in uses:
        counts[use.text] += use.count
    return counts


def _advice(missing: bool, again: bool) -> str:
    if missing:
        return "try the import once, at the top of the module, and keep the outcome (a name that is None, a flag); or install it"
    if again:
        return "import it at the top of the module; if something removes it from sys.modules, let it stay there"
    return "import it at the top of the module, or once when the process starts: the first request waits for it now"
