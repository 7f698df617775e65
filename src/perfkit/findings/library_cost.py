"""One function of an installed library that burns much of the time in its own lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import Candidate, View, place
from perfkit.model.finding import Advice, Confidence, Evidence, Place
from perfkit.model.recording import Frame
from perfkit.shared.frameworks import is_plumbing
from perfkit.shared.pysource import spot

LEAST = 0.25
# A parser or renderer at its ordinary work divides its time among many functions; a defect piles it up in one.
CONCENTRATED = 0.5

Key = tuple[tuple[str, str] | None, tuple[str, str]]


def _one_call(view: View, burners: Counter[Frame]) -> bool:
    """Whether the samples stand on one line outside of any loop: a wrapper around compiled code."""
    frame, n = burners.most_common(1)[0]
    source = view.lines.function(frame.file, frame.line)
    here = spot(source, frame.line) if source is not None else None
    return n > 0.9 * sum(burners.values()) and here is not None and not here.loops


class LibraryCost:
    """One function of a library burns a large part of the time in its own lines.

    **What it sees.** A single function of one installed distribution that carries 25 % and more of the time, and half of
    its library's, in its own lines and the standard library calls below it. Frameworks and servers, whose cost is spread over many functions, are
    left out.

    **Why it hurts.** Time that piles up in one function of a library is a defect of that version, a use it was not made
    for, or input that has grown: the library's changelog and issues are the place to look.

    **Before** / **After** Depends on the library: a newer version, a compiled or simpler alternative, smaller input, fewer
    calls, or a cache in front of it. The finding names distribution, version, function and the project's line that calls it.

    Whether the cost is avoidable is not known: severity is always `info`. A function that stands on one line outside of any
    loop only calls compiled code, and is left to `hot-function`.

    **When to ignore it.** The library does exactly the work that the service is for.
    """

    name: ClassVar[str] = "library-cost"
    summary: ClassVar[str] = "one function of a library burns a large part of the time"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        claims: defaultdict[Key, dict[int, float]] = defaultdict(dict)
        places: defaultdict[Key, Counter[Place]] = defaultdict(Counter)
        burners: defaultdict[Key, Counter[Frame]] = defaultdict(Counter)
        for time in view.code:
            frames = view.inner(time)
            burner = next((i for i in range(len(frames) - 1, -1, -1) if frames[i].origin != "stdlib"), None)
            if burner is None or time.state != "running" or not self._counts(view, frames[burner]):
                continue
            decider = next((frame for frame in reversed(frames[:burner]) if view.is_project(frame)), None)
            frame = frames[burner]
            key = ((decider.file, decider.function) if decider else None, (frame.file, frame.function))
            claims[key][time.stack] = 1.0
            burners[key][frame] += time.n
            places[key][place(decider or frame)] += time.n
        by_library = self._library_seconds(view, claims)
        for key, claim in claims.items():
            if view.seconds(claim) < CONCENTRATED * by_library[key[0], self._library(view, burners[key])]:
                continue
            if _one_call(view, burners[key]):
                continue
            yield self._candidate(view, claim, places[key].most_common(1)[0][0], burners[key])

    def _library(self, view: View, burners: Counter[Frame]) -> str | None:
        return view.distribution(burners.most_common(1)[0][0])[0]

    def _library_seconds(
        self, view: View, claims: dict[Key, dict[int, float]]
    ) -> defaultdict[tuple[tuple[str, str] | None, str | None], float]:
        """Seconds in the own lines of all functions of a library, by who calls for it."""
        found: defaultdict[tuple[tuple[str, str] | None, str | None], float] = defaultdict(float)
        for (decider, (file, _)), claim in claims.items():
            known = view.analysis.files.get(file)
            found[decider, known.distribution if known else None] += view.seconds(claim)
        return found

    def _counts(self, view: View, frame: Frame) -> bool:
        name, _ = view.distribution(frame)
        return frame.origin == "library" and name is not None and not is_plumbing(name) and not view.is_project(frame)

    def _candidate(self, view: View, claim: dict[int, float], where: Place, burners: Counter[Frame]) -> Candidate:
        frame = burners.most_common(1)[0][0]
        name, version = view.distribution(frame)
        n = sum(burners.values())
        return Candidate(
            rule=self.name,
            title=f"{name} {version} spends the time in {frame.function}()",
            claim=claim,
            where=where,
            inside=view.inside(frame),
            evidence=(
                Evidence(
                    f"{view.observed(n)} stand in the own lines of {frame.function}().",
                    n,
                    "samples",
                    n=n,
                    where=place(frame),
                ),
            ),
            advice=Advice(
                f"look for this function in the changelog and issues of {name}, then try a newer version, smaller or fewer "
                "inputs, or a cache in front of the call"
            ),
            confidence=Confidence("medium", f"{view.observed(n)}; whether a better version or use exists is not known"),
            least=LEAST,
            detail=f"{name}.{frame.function}",
            informative=True,
        )
