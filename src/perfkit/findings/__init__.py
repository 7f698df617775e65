"""Room 6: an Analysis comes in, Verdicts go out: findings in rank order, what was silenced, and how each rule went.

- `judge` runs all rules; `rank` gives every second one owner; `RULES` lists the rules, one file each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.shared.registry import Registry

if TYPE_CHECKING:
    from perfkit.findings.interface import MemoryRule, Rule
    from perfkit.findings.judging import judge

__all__ = ["RULES", "judge"]

RULES: Registry[type[Rule] | type[MemoryRule]] = Registry(
    "rule",
    "perfkit.rules",
    {
        "n-plus-one": "perfkit.findings.n_plus_one:NPlusOne",
        "repeated-query": "perfkit.findings.repeated_query:RepeatedQuery",
        "row-by-row-write": "perfkit.findings.row_by_row_write:RowByRowWrite",
        "over-fetching": "perfkit.findings.over_fetching:OverFetching",
        "orm-hydration": "perfkit.findings.orm_hydration:OrmHydration",
        "missing-index": "perfkit.findings.missing_index:MissingIndex",
        "nested-loop-blowup": "perfkit.findings.nested_loop_blowup:NestedLoopBlowup",
        "misestimate": "perfkit.findings.misestimate:Misestimate",
        "sort-spill": "perfkit.findings.sort_spill:SortSpill",
        "redundant-index": "perfkit.findings.redundant_index:RedundantIndexes",
        "row-lock-wait": "perfkit.findings.row_lock_wait:RowLockWait",
        "temp-files": "perfkit.findings.temp_files:TempFiles",
        "unparameterised": "perfkit.findings.unparameterised:Unparameterised",
        "slow-query": "perfkit.findings.slow_query:SlowQuery",
        "connection-per-request": "perfkit.findings.connection_per_request:ConnectionPerRequest",
        "pool-wait": "perfkit.findings.pool_wait:PoolWait",
        "quadratic-search": "perfkit.findings.quadratic_search:QuadraticSearch",
        "repeated-compile": "perfkit.findings.repeated_compile:RepeatedCompile",
        "deepcopy-cost": "perfkit.findings.deepcopy_cost:DeepcopyCost",
        "serialisation": "perfkit.findings.serialisation:Serialisation",
        "logging-cost": "perfkit.findings.logging_cost:LoggingCost",
        "import-in-request": "perfkit.findings.import_in_request:ImportInRequest",
        "import-time": "perfkit.findings.import_time:ImportTime",
        "lock-wait": "perfkit.findings.lock_wait:LockWait",
        "sync-in-async": "perfkit.findings.sync_in_async:SyncInAsync",
        "gc": "perfkit.findings.gc_pauses:GcPauses",
        "gil-contention": "perfkit.findings.gil_contention:GilContention",
        "cpu-throttled": "perfkit.findings.cpu_throttled:CpuThrottled",
        "library-cost": "perfkit.findings.library_cost:LibraryCost",
        "slow-middleware": "perfkit.findings.slow_middleware:SlowMiddleware",
        "loop-blocked": "perfkit.findings.loop_blocked:LoopBlocked",
        "hot-function": "perfkit.findings.hot_function:HotFunction",
        "memory-leak": "perfkit.findings.memory_leak:MemoryLeak",
        "unbounded-cache": "perfkit.findings.unbounded_cache:UnboundedCache",
        "request-peak": "perfkit.findings.request_peak:RequestPeak",
        "line-memory": "perfkit.findings.line_memory:LineMemory",
        "native-growth": "perfkit.findings.native_growth:NativeGrowth",
        "kept-by-malloc": "perfkit.findings.kept_by_malloc:KeptByMalloc",
        "fragmentation": "perfkit.findings.fragmentation:Fragmentation",
        "reference-cycles": "perfkit.findings.reference_cycles:ReferenceCycles",
        "gc-thrash": "perfkit.findings.gc_thrash:GcThrash",
        "allocation-churn": "perfkit.findings.allocation_churn:AllocationChurn",
        "preload": "perfkit.findings.preload:Preload",
        "heavy-import": "perfkit.findings.heavy_import:HeavyImport",
    },
)


def __getattr__(name: str) -> object:
    """`judge`, loaded when it is asked for: the list of rules alone needs none of what judging does."""
    if name != "judge":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from perfkit.findings.judging import judge

    return judge
