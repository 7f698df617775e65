"""Calls that wait on an event loop's own thread, and make every other request wait with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from perfkit.findings import blocking
from perfkit.findings.interface import Candidate, View, place
from perfkit.model.analysis import StackTime
from perfkit.model.finding import Advice, Confidence, Evidence, Inside
from perfkit.model.recording import Frame
from perfkit.shared.origin import module_path


@dataclass
class Waiting:
    """All waits of one function in one call."""

    call: str
    family: str
    claim: dict[int, float] = field(default_factory=dict)
    sampled: int = 0
    places: Counter[Frame] = field(default_factory=Counter)
    insides: Counter[Inside] = field(default_factory=Counter)
    routes: set[str | None] = field(default_factory=set)


class SyncInAsync:
    """A call that waits stands on the event loop's thread.

    **What it sees.** Stretches for which the loop did not come back, and samples of its thread, that stand in a call which
    waits: `time.sleep`, a synchronous HTTP client or database driver, a subprocess, a file, a lock. The cost is the waiting
    of all requests that were in flight meanwhile; the place is the project's line that made the call.

    **Why it hurts.** One thread serves all requests. While it waits in one call, no other request goes on: 20 requests with
    a call of 50 ms each take one second, one after the other, and health checks wait with them.

    **Before**

        @app.get("/rates")
        async def rates():
            return requests.get(RATES_URL).json()

    **After**

        @app.get("/rates")
        async def rates():
            return (await client.get(RATES_URL)).json()     # one httpx.AsyncClient, made at start

    or `def rates()`: FastAPI and Starlette run it in a thread.

    **When to ignore it.** The process serves one request at a time, and nothing else is to go on meanwhile.
    """

    name: ClassVar[str] = "sync-in-async"
    summary: ClassVar[str] = "a call that waits holds the event loop, and all requests with it"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False

    def check(self, view: View) -> Iterable[Candidate]:
        found: dict[tuple[str, str, str], Waiting] = {}
        for time in blocking.held(view):
            frames = view.inner(time)
            wait = blocking.wait_of(view, frames)
            if wait is None:
                continue
            frame = frames[wait.caller]
            use = found.setdefault((frame.file, frame.function, wait.call), Waiting(wait.call, wait.family))
            _add(view, use, time, frame, frames[wait.caller + 1 :])
        for use in found.values():
            timed = blocking.blocks(view, use.claim)
            if not (timed.count and blocking.crowded(view)) or blocking.recurs(view, timed, use.routes):
                yield self._candidate(view, use, timed)

    def _candidate(self, view: View, use: Waiting, timed: blocking.Blocks) -> Candidate:
        frame = use.places.most_common(1)[0][0]
        evidence = []
        if timed.count:
            evidence.append(Evidence(timed.sentence(), round(timed.mean, 6), "s", n=timed.count, where=place(frame)))
        if use.sampled:
            said = f"{view.observed(use.sampled)} of the loop's thread stand in this call."
            evidence.append(Evidence(said, use.sampled, "samples", n=use.sampled, where=place(frame)))
        return Candidate(
            rule=self.name,
            title=f"{use.call} holds the event loop in {frame.function}()",
            claim=use.claim,
            where=place(frame),
            inside=use.insides.most_common(1)[0][0] if use.insides else None,
            evidence=tuple(evidence),
            advice=Advice(_advice(view, use, frame)),
            # What is left is the request's own waiting: it goes on, beside that of the others.
            saves=(0.8 * timed.others, min(1.0, timed.others + 0.2)) if timed.count else (0.3, 0.9),
            confidence=_confidence(view, use, timed),
            least=0.01,
            detail=use.call,
        )


def _add(view: View, use: Waiting, time: StackTime, frame: Frame, above: tuple[Frame, ...]) -> None:
    use.claim[time.stack] = 1.0
    use.sampled += 0 if time.timed else time.n
    use.places[frame] += time.n
    use.routes.add(time.endpoint)
    callee = next((found for found in above if found.origin in ("library", "stdlib")), None)
    if callee is not None:
        use.insides[view.inside(callee)] += time.n


def _confidence(view: View, use: Waiting, timed: blocking.Blocks) -> Confidence:
    if timed.count:
        level = "high" if timed.count >= 5 else "medium"
        return Confidence(level, f"the loop stood still {timed.count} times and was looked at meanwhile")  # type: ignore[arg-type]
    why = f"{view.observed(use.sampled)} of the loop's thread; who waited behind it was not timed"
    return Confidence("high" if use.sampled >= 30 else "medium", why)


_INSTEAD = {
    "sleep": "await asyncio.sleep()",
    "http": "await a client made for it (one httpx.AsyncClient or aiohttp.ClientSession, made at start)",
    "database": "use an asynchronous driver (asyncpg, psycopg's AsyncConnection, aiosqlite, SQLAlchemy's AsyncSession)",
    "process": "use asyncio.create_subprocess_exec()",
    "file": "read and write files in a thread",
    "lock": "use asyncio.Lock, asyncio.Queue or an awaited future",
    "socket": "use an asynchronous client",
}


def _advice(view: View, use: Waiting, frame: Frame) -> str:
    thread = "await asyncio.to_thread(...)"
    stacks = [view.frames(time) for time in view.code if time.stack in use.claim]
    paths = {module_path(found.file).partition("/")[0] for stack in stacks for found in stack}
    plain = ""
    if paths & {"fastapi", "starlette"}:
        thread = "await run_in_threadpool(...)"
        source = view.lines.function(frame.file, frame.line)
        if source is not None and source.text.lstrip().startswith(("@", "async def")):
            name = "FastAPI" if "fastapi" in paths else "Starlette"
            plain = f"; an endpoint that awaits nothing may be a plain `def`, which {name} runs in a thread"
    if use.family == "file":
        return f"{_INSTEAD['file']}: {thread}{plain}"
    return f"{_INSTEAD[use.family]}, or hand the call to a thread: {thread}{plain}"
