"""Cached functions without a limit that are asked for ever new things."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from perfkit.findings import kept_containers as kept
from perfkit.findings.interface import MemoryCause, NotRunError, View
from perfkit.findings.memory_list import memory_of
from perfkit.model.finding import Advice, Evidence
from perfkit.model.growth import Growing
from perfkit.shared import units

_FEW = 0.1
_SENSIBLE = 1024


class UnboundedCache:
    """A function is cached without a limit (`functools.cache`, `lru_cache(maxsize=None)`), and grows with the requests.

    **What it sees.** With --memory: a cached function that holds more results at each look, and has no `maxsize`.

    **Why it hurts.** Each result stays for the life of the process. Where arguments hardly ever come again, the cache costs
    memory and saves nothing.

    **Before**

        @functools.cache
        def price_of(customer, basket):
            ...

    **After**

        @functools.lru_cache(maxsize=1024)
        def price_of(customer, basket):
            ...

    **When to ignore it.** The arguments come from a small set that half a minute of requests has not gone through yet.
    """

    name: ClassVar[str] = "unbounded-cache"
    summary: ClassVar[str] = "a cached function has no limit and grows with the requests"
    last_resort: ClassVar[bool] = False
    reads_logs: ClassVar[bool] = False
    ranks: ClassVar[str] = "memory"

    def check(self, view: View) -> Iterable[MemoryCause]:
        memory_of(view)
        if view.analysis.kind != "server":
            raise NotRunError("a script that ends may keep what it needs")
        for found in kept.growing(view):
            if found.kind == "lru_cache":
                yield self._cause(view, found)

    def _cause(self, view: View, found: Growing) -> MemoryCause:
        hits, misses = found.hits or 0, found.misses or 0
        share = hits / max(1, hits + misses)
        growth = kept.growth(view, found)
        asked = f"{units.plural(hits, 'hit')} and {units.plural(misses, 'miss')}: {units.share(share)} of the calls are saved."
        if share < _FEW:
            text = f"take the cache away: its results hardly ever come again; or give it a limit: `maxsize={_SENSIBLE}`"
        else:
            text = f"give it a limit: `functools.lru_cache(maxsize={_SENSIBLE})` drops what was not asked for longest"
        return MemoryCause(
            rule=self.name,
            title=f"The cache of {found.name} has no limit and keeps growing",
            bytes=found.grown_bytes,
            where=kept.place(view, found),
            evidence=(
                kept.entries(found),
                *kept.filled_by(found),
                Evidence(asked, share, "share", n=hits + misses),
                *([growth] if growth else []),
            ),
            advice=Advice(text),
            confidence=kept.confidence(view, found),
            pace=kept.pace(found),
            per_request=found.grown_bytes / found.requests,
            endpoint=found.filled_by,
            detail=found.name,
        )
