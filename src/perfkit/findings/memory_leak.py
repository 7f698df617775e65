"""Memory that a server takes with its requests and never gives back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from perfkit.findings import kept_containers as kept
from perfkit.findings.interface import MemoryCause, NotRunError, View
from perfkit.findings.memory_list import memory_of
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import Growing, ProcessMemory
from perfkit.shared import units

# Containers that explain this much of a process's growth leave nothing to say of the rest.
_EXPLAINED = 0.3
_LEAST_EACH = 2_000.0  # bytes a request
# Bytes of growth that nothing explains: an allocator takes a few hundred kilobytes more now and then.
_LEAST_GROWN = 1_000_000


class MemoryLeak:
    """A server's memory grows with its requests and does not come back.

    **What it sees.** With --memory: a dict, list, set or other container that a module, a class, a function's closure or an
    object of them keeps, and that is longer at each look, with no plateau in sight. Where no container shows it, the growth of
    a process itself: the least memory of each second, from five seconds after the start.

    **Why it hurts.** The process grows until it is killed, at a time that nobody chose.

    **Before**

        SEEN = {}

        def handle(event):
            SEEN[event.id] = event

    **After**

        SEEN = collections.OrderedDict()

        def handle(event):
            SEEN[event.id] = event
            if len(SEEN) > 10_000:
                SEEN.popitem(last=False)

    **When to ignore it.** A store that is meant to grow, such as the state of a server in memory; a cache that fills slowly and has
    a limit which half a minute does not reach.
    """

    name: ClassVar[str] = "memory-leak"
    summary: ClassVar[str] = "memory grows with the requests and is not given back"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory = memory_of(view)
        if view.analysis.kind != "server":
            raise NotRunError("a script that ends may keep what it needs")
        found = list(kept.growing(view))
        yield from (self._container(view, grown) for grown in found if grown.kind != "lru_cache")
        told = sum(map(kept.pace, memory.growing))
        rest = [
            process
            for process in memory.processes
            if kept.is_growing(process) and process.requests >= kept.LEAST_REQUESTS
        ]
        pace = sum(process.trend.slope for process in rest if process.trend is not None)
        seconds = max((process.trend.seconds for process in rest if process.trend is not None), default=0.0)
        if rest and told < _EXPLAINED * pace and (pace - told) * seconds >= _LEAST_GROWN:
            yield self._process(rest, pace - told)

    def _container(self, view: View, found: Growing) -> MemoryCause:
        per_request = found.grown_bytes / found.requests
        growth = kept.growth(view, found)
        sure = kept.confidence(view, found)
        other = f"grows: a leak, or a cache of more than {units.count(found.length)} entries"
        return MemoryCause(
            rule=self.name,
            title=f"{found.name} {'keeps growing with the requests' if sure.level == 'high' else other}",
            bytes=found.grown_bytes,
            where=kept.place(view, found),
            evidence=(kept.entries(found), *kept.filled_by(found), *([growth] if growth else [])),
            advice=Advice(
                f"give `{found.name}` a limit (drop the oldest entry when it is reached), or keep its entries in a cache that "
                "all workers share; where entries belong to a request, hang them on the request"
            ),
            confidence=sure,
            pace=kept.pace(found),
            per_request=per_request,
            endpoint=found.filled_by,
            detail=found.name,
        )

    def _process(self, processes: list[ProcessMemory], pace: float) -> MemoryCause:
        requests = sum(process.requests for process in processes)
        seconds = max(process.trend.seconds for process in processes if process.trend is not None)
        grown = int(pace * seconds)
        endpoint, each = endpoint_of(processes)
        where = f" by {endpoint}" if endpoint else ""
        claims = [
            Evidence(
                f"{units.plural(len(processes), 'process')} grew by {units.size(pace)} a second over {seconds:.0f} s, without a plateau.",
                pace,
                "bytes",
                n=requests,
            )
        ]
        if endpoint:
            claims.append(Evidence(f"A request of {endpoint} leaves {units.size(each)} behind.", each, "bytes"))
        return MemoryCause(
            rule=self.name,
            title=f"A leak, or a cache larger than {units.size(grown)}: {units.size(pace * seconds / max(1, requests))} for each request{where}",
            bytes=grown,
            where=None,
            evidence=tuple(claims),
            advice=Advice(
                "no module, class or closure that was looked through holds it: look for objects that are kept by a library, by threads, or "
                "outside of Python; measure for longer (-d 120): a cache ends in a plateau, a leak does not"
            ),
            confidence=Confidence("low", "no container that grows was found, and a slow cache looks the same at first"),
            pace=pace,
            per_request=pace * seconds / max(1, requests),
            endpoint=endpoint,
            detail="process",
        )


def endpoint_of(processes: list[ProcessMemory]) -> tuple[str | None, float]:
    """The one endpoint whose requests leave much behind, and how much; none where several do, or none can be told."""
    return one_of([process.bytes_by_endpoint for process in processes], _LEAST_EACH)


def one_of(found: Sequence[Mapping[str, float]], least: float) -> tuple[str | None, float]:
    """The one endpoint with so many bytes a request, as the mean over processes; none where several have as many."""
    sums: dict[str, list[float]] = {}
    for by_endpoint in found:
        for endpoint, each in by_endpoint.items():
            sums.setdefault(endpoint, []).append(each)
    means = sorted(((sum(values) / len(values), endpoint) for endpoint, values in sums.items()), reverse=True)
    if not means or means[0][0] < least or (len(means) > 1 and means[1][0] > 0.3 * means[0][0]):
        return None, 0.0
    return means[0][1], means[0][0]
