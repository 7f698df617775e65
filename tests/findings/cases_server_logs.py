"""Cases of the rules that read a database's log: what fires, and what is healthy."""

from __future__ import annotations

from collections import Counter

from log_cases import NO_SAMPLES, OTHER, OTHERS, digest, logged, plan, repeats
from rule_cases import Fires, Quiet

from perfkit.model.plan import IndexAdvice, PlanNode

_BY_CUSTOMER = "SELECT id, total FROM orders WHERE customer = 7"
_UPDATE = "UPDATE account SET total = 5 WHERE id = 7"
_INSERT = "INSERT INTO event (at, what) VALUES (1, 'x')"
_LOOKUP = "SELECT name, town FROM customer WHERE id = 7"
_SCAN = PlanNode("Seq Scan", "orders", estimated_rows=12, cost=4300.0)
_INDEX = IndexAdvice(
    "orders",
    ("customer",),
    "CREATE INDEX CONCURRENTLY ON orders (customer)",
    "reads 200,000 rows of orders to keep 12",
    "hypopg",
    4300.0,
    12.0,
)
_UNTRIED = IndexAdvice(
    "orders", ("customer",), "ALTER TABLE orders ADD INDEX (customer)", "reads 200,000 rows to keep 12"
)
_USELESS = IndexAdvice("orders", ("open",), "CREATE INDEX …", "keeps half of them", "hypopg", 4300.0, 4200.0)


def _fires(rule: str, name: str, share: float, *digests: object, **options: object) -> Fires:
    return Fires(name, rule, NO_SAMPLES, "", "", share, options={**logged(*digests), **options})  # type: ignore[arg-type]


def _quiet(rule: str, name: str, *digests: object, **options: object) -> Quiet:
    return Quiet(name, rule, NO_SAMPLES, options={**logged(*digests), **options})  # type: ignore[arg-type]


def _with_plan(text: str, *advice: IndexAdvice) -> dict[str, object]:
    return {"plans": [plan(text, _SCAN, *advice)]}


FIRES = [
    _fires("slow-query", "a report that takes 300 ms", 0.188, digest(_BY_CUSTOMER, 10, 300), *OTHERS),
    _fires("slow-query", "an update that takes 20 ms", 0.133, digest(_UPDATE, 100, 20), *OTHERS),
    _fires("slow-query", "quick, and half of all time", 0.133, digest(_LOOKUP, 2000, 1.0), *OTHERS),
    _fires(
        "n-plus-one",
        "customers after their orders",
        0.5,
        digest(_LOOKUP, 1000, 0.5, repeats=repeats(20, 50, 0.5)),
        digest("SELECT * FROM orders WHERE shop = 1", 20, 25),
    ),
    _fires("n-plus-one", "a few runs", 0.4, digest(_LOOKUP, 1000, 0.5, repeats=repeats(4, 200, 0.5)), OTHER),
    _fires(
        "n-plus-one", "part of its executions", 0.25, digest(_LOOKUP, 1000, 0.5, repeats=repeats(10, 50, 0.5)), OTHER
    ),
    _fires(
        "row-by-row-write",
        "events one by one",
        0.5,
        digest(_INSERT, 1000, 0.5, repeats=repeats(10, 100, 0.5, "")),
        OTHER,
    ),
    _fires(
        "row-by-row-write",
        "updates in a loop",
        0.5,
        digest(_UPDATE, 1000, 0.5, repeats=repeats(5, 200, 0.5, "")),
        OTHER,
    ),
    _fires(
        "row-by-row-write",
        "deletes in a loop",
        0.5,
        digest("DELETE FROM event WHERE id = 7", 1000, 0.5, repeats=repeats(1, 1000, 0.5)),
        OTHER,
    ),
    _fires(
        "over-fetching",
        "examines a table for a row",
        0.5,
        digest(_BY_CUSTOMER, 100, 5, rows_examined=20_000_000, rows_sent=100),
        OTHER,
    ),
    _fires(
        "over-fetching",
        "page 400 by OFFSET",
        0.5,
        digest("SELECT * FROM orders ORDER BY id LIMIT 20 OFFSET 8000", 100, 5, rows_examined=802_000, rows_sent=2_000),
        OTHER,
    ),
    _fires(
        "over-fetching",
        "a whole table is sent",
        0.5,
        digest("SELECT * FROM orders", 100, 5, rows_examined=5_000_000, rows_sent=5_000_000),
        OTHER,
    ),
    _fires(
        "row-lock-wait",
        "logged one by one",
        0.4,
        digest(_UPDATE, 10, 50, lock_waits=3, lock_wait_micros=400_000),
        OTHER,
    ),
    _fires("row-lock-wait", "lock time of each", 0.45, digest(_UPDATE, 100, 5, "mysql", locked=450_000), OTHER),
    _fires("row-lock-wait", "SELECT FOR UPDATE", 0.5, digest(f"{_LOOKUP} FOR UPDATE", 10, 50, locked=500_000), OTHER),
    _fires(
        "temp-files",
        "a sort of 40 MB",
        0.667,
        digest(_BY_CUSTOMER, 10, 100, temp_files=10, temp_bytes=10 * 40 * 2**20),
        OTHER,
    ),
    _fires(
        "temp-files",
        "tables on disk",
        0.5,
        digest(_BY_CUSTOMER, 100, 5, "mariadb", flags=Counter(tmp_table_on_disk=100)),
        OTHER,
    ),
    _fires(
        "temp-files",
        "half of its sorts",
        0.25,
        digest(_BY_CUSTOMER, 100, 5, "mariadb", flags=Counter(filesort_on_disk=50)),
        OTHER,
    ),
    _fires("unparameterised", "parsed and bound again", 0.5, digest(_LOOKUP, 1000, 0.25, preparing=750_000), OTHER),
    _fires(
        "unparameterised",
        "parsing costs a third",
        0.2,
        digest(_LOOKUP, 1000, 0.5, preparing=250_000, prepared=1000),
        OTHER,
    ),
    _fires(
        "unparameterised",
        "planned as long as run",
        0.25,
        digest(_LOOKUP, 1000, 0.5, values=800),
        OTHER,
        plans=[plan(_LOOKUP, _SCAN, planning_seconds=0.00025)],
    ),
    _fires(
        "missing-index",
        "tried with hypopg",
        0.909,
        digest(_BY_CUSTOMER, 100, 50),
        OTHER,
        **_with_plan(_BY_CUSTOMER, _INDEX),
    ),
    _fires(
        "missing-index",
        "tried by nobody",
        0.909,
        digest(_BY_CUSTOMER, 100, 50),
        OTHER,
        **_with_plan(_BY_CUSTOMER, _UNTRIED),
    ),
    _fires(
        "missing-index",
        "the second is the good one",
        0.5,
        digest(_BY_CUSTOMER, 100, 5),
        OTHER,
        **_with_plan(_BY_CUSTOMER, _USELESS, _INDEX),
    ),
]
QUIET = [
    _quiet("slow-query", "quick and not much", digest(_LOOKUP, 10, 0.5), *OTHERS),
    _quiet(
        "slow-query",
        "once slow, else quick",
        digest(_UPDATE, 100, 0.2),
        digest(_BY_CUSTOMER, 1, 9),
        *OTHERS,
    ),
    _quiet("n-plus-one", "many executions, no runs", digest(_LOOKUP, 10_000, 0.5), OTHER),
    _quiet("n-plus-one", "a run or two", digest(_LOOKUP, 1000, 0.5, repeats=repeats(2, 6, 0.5)), OTHER),
    _quiet(
        "n-plus-one",
        "requests of one statement, between many of another",
        digest(_LOOKUP, 1000, 0.5, repeats=repeats(20, 8, 0.5)),
        digest("SELECT * FROM orders WHERE shop = 1", 300, 1),
    ),
    _quiet("n-plus-one", "writes in runs", digest(_INSERT, 1000, 0.5, repeats=repeats(20, 50, 0.5)), OTHER),
    _quiet(
        "row-by-row-write", "five lines of an order", digest(_INSERT, 1000, 0.5, repeats=repeats(200, 5, 0.5)), OTHER
    ),
    _quiet("row-by-row-write", "reads in runs", digest(_LOOKUP, 1000, 0.5, repeats=repeats(20, 50, 0.5)), OTHER),
    _quiet("row-by-row-write", "one at a time", digest(_INSERT, 10_000, 0.5), OTHER),
    _quiet(
        "over-fetching",
        "as many as it sends",
        digest(_BY_CUSTOMER, 100, 5, rows_examined=2_000, rows_sent=2_000),
        OTHER,
    ),
    _quiet("over-fetching", "a small table", digest(_BY_CUSTOMER, 100, 5, rows_examined=30_000, rows_sent=100), OTHER),
    _quiet("over-fetching", "rows that nobody counts", digest(_BY_CUSTOMER, 100, 5), OTHER),
    _quiet("row-lock-wait", "the usual turns", digest(_UPDATE, 1000, 0.5, "mysql", locked=10_000), OTHER),
    _quiet("row-lock-wait", "no lock is logged", digest(_UPDATE, 10, 500), OTHER),
    _quiet(
        "row-lock-wait",
        "a wait in an hour of work",
        digest(_UPDATE, 10_000, 5, lock_waits=1, lock_wait_micros=1_100_000),
        OTHER,
    ),
    _quiet("temp-files", "one in a hundred", digest(_BY_CUSTOMER, 100, 5, temp_files=1, temp_bytes=2**20), OTHER),
    _quiet("temp-files", "in memory", digest(_BY_CUSTOMER, 100, 5, "mariadb", flags=Counter(full_scan=100)), OTHER),
    _quiet("temp-files", "quick ones beside much else", digest(_LOOKUP, 10, 0.1, temp_files=10, temp_bytes=10), OTHER),
    _quiet("unparameterised", "a report with values in it", digest(_BY_CUSTOMER, 1000, 50, values=1000), OTHER),
    _quiet(
        "unparameterised",
        "planned in no time",
        digest(_BY_CUSTOMER, 1000, 50, values=1000),
        OTHER,
        plans=[plan(_BY_CUSTOMER, _SCAN, planning_seconds=0.0005)],
    ),
    _quiet("unparameterised", "prepared", digest(_LOOKUP, 1000, 0.5, preparing=20_000, prepared=1000), OTHER),
    _quiet("missing-index", "no index would help", digest(_BY_CUSTOMER, 100, 50), OTHER, **_with_plan(_BY_CUSTOMER)),
    _quiet(
        "missing-index",
        "half of the table is wanted",
        digest(_BY_CUSTOMER, 100, 50),
        OTHER,
        **_with_plan(_BY_CUSTOMER, _USELESS),
    ),
    _quiet(
        "missing-index",
        "a statement that hardly runs",
        digest(_BY_CUSTOMER, 1, 1),
        OTHER,
        **_with_plan(_BY_CUSTOMER, _INDEX),
    ),
]
