"""Memory that the C library keeps, and nothing uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings.interface import MemoryCause, NotRunError, View, place
from perfkit.findings.native_growth_heaps import LEAST, heaps, processes, taker
from perfkit.model.finding import Advice, Confidence, Evidence
from perfkit.model.growth import HeapUse
from perfkit.shared import units

_SHARE = 0.3
# With so many threads malloc has several heaps, each with free pieces of its own.
_THREADS = 3


class KeptByMalloc:
    """A server has memory that was freed: the C library keeps it, and nobody uses it.

    **What it sees.** With --memory: what malloc (glibc 2.33 or newer) says it keeps for later, read from inside of a launched target
    every second. It is reported where 64 MB and 30 % of the process's own memory were free at every look of the last half.

    **Why it hurts.** The memory is gone for everybody else, in each worker. malloc gives back what lies at the end of a heap, and
    one live object there keeps all that is below it. Each of the heaps that it makes for threads has its own.

    **Before**

        def export():
            rows = [as_bytes(row) for row in cursor]     # 200 MB, freed afterwards, and still there

    **After**

        MALLOC_ARENA_MAX=2 gunicorn shop.wsgi            # two heaps, however many threads

        libc = ctypes.CDLL("libc.so.6")
        libc.malloc_trim(0)                              # after the job that took it

    An allocator that gives back by itself: `LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true,dirty_decay_ms:1000`.

    **When to ignore it.** What took it comes again soon, less often than once in the time that was measured.
    """

    name: ClassVar[str] = "kept-by-malloc"
    summary: ClassVar[str] = "the C library keeps memory that nothing uses"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        looked = heaps(view)
        if all(heap.kept is None for heap in looked):
            raise NotRunError("the target's C library does not tell what it keeps (glibc 2.33 does)")
        found = [heap for heap in looked if (heap.kept or 0) >= max(LEAST, _SHARE * heap.anonymous)]
        if found:
            yield self._cause(view, found)

    def _cause(self, view: View, found: list[HeapUse]) -> MemoryCause:
        most = max(found, key=lambda heap: heap.kept or 0)
        kept = sum(heap.kept or 0 for heap in found)
        each = most.kept or 0
        frame = taker(view, found, each)
        claim = (
            f"Of {units.size(most.anonymous)} of process {most.pid} malloc kept {units.size(each)} or more free at each of "
            f"{units.plural(most.looks, 'look')} in {most.seconds:.0f} s, with {units.plural(most.threads, 'thread')}."
        )
        return MemoryCause(
            rule=self.name,
            title=f"malloc keeps {units.size(each)} that nothing uses in {processes(found)}",
            bytes=kept,
            where=place(frame) if frame is not None else None,
            evidence=(Evidence(claim, each, "bytes", n=most.looks),),
            advice=Advice(_advice(most, each)),
            confidence=Confidence("high", "malloc's own account, never more than what is resident"),
            detail="" if frame is not None else "process",
        )


def _advice(heap: HeapUse, kept: int) -> str:
    arenas = f"set MALLOC_ARENA_MAX=2: {heap.threads} threads have heaps of their own"
    trim = f"call ctypes.CDLL(None).malloc_trim(0) after what took it: up to {units.size(kept)} go back at once"
    other = "or preload jemalloc (LD_PRELOAD=libjemalloc.so.2), which gives back by itself"
    return "; ".join(
        [arenas, trim, other]
        if heap.threads > _THREADS
        else [trim, "MALLOC_TRIM_THRESHOLD_ does not reach below live objects", other]
    )
