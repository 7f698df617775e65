"""One run of a server in stderr, csvlog and jsonlog: the digests are the same in everything that the three can say."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

import pytest

from perfkit.collectors.sqllog.options import LogOptions
from perfkit.collectors.sqllog.reading import read_logs
from perfkit.model.sqllog import Digest, SqlLog
from perfkit.shared.sqltext import fingerprint
from sql_logs import PLANS, STATEMENT_THEN_DURATION, TEXT_PLANS, PostgresLogs, postgres_logs

VARIANTS: dict[str, tuple[str, dict[str, str]]] = {
    "15": ("15", {}),
    "18 with plans": ("18", PLANS),
    "15 with plans as text": ("15", TEXT_PLANS),
    "18 with text and duration apart": ("18", STATEMENT_THEN_DURATION),
    "15 with plans only": ("15", {**PLANS, "log_min_duration_statement": "-1"}),
}


@pytest.fixture(params=VARIANTS)
def logs(request: pytest.FixtureRequest) -> PostgresLogs:
    version, changed = VARIANTS[request.param]
    return postgres_logs(version, settings=changed)


def read(logs: PostgresLogs, jobs: int = 1) -> dict[str, SqlLog]:
    assert logs.jsonlog is not None
    stderr = LogOptions(format="postgres-stderr", prefix=logs.prefix, jobs=jobs)
    return {
        "stderr": read_logs([logs.stderr], stderr),
        "csvlog": read_logs([logs.csvlog], LogOptions(jobs=jobs)),
        "jsonlog": read_logs([logs.jsonlog], LogOptions(jobs=jobs)),
    }


def said(digest: Digest) -> dict[str, Any]:
    """All of a digest in values that compare; the order in which sessions at once were written is not the server's promise."""
    found = {field.name: getattr(digest, field.name) for field in fields(digest)}
    time = digest.time
    found["time"] = (time.count, time.total, time.smallest, time.largest, sorted(time.values), time.buckets)
    found["plan"] = digest.plan and digest.plan.micros
    found["worst"] = digest.worst and (digest.worst.micros, digest.worst.at, digest.worst.session, digest.worst.text)
    return found


@pytest.mark.real
def test_three_formats_have_the_same_digests(logs: PostgresLogs) -> None:
    read_by = read(logs)
    expected = read_by.pop("csvlog")
    assert expected.events > 150
    for log in read_by.values():
        assert (log.events, log.micros, log.unparsed, log.first, log.last, log.errors, log.over_time) == (
            expected.events, expected.micros, 0, expected.first, expected.last, expected.errors, expected.over_time,
        )  # fmt: skip
        assert log.digests.keys() == expected.digests.keys()
        for name, digest in log.digests.items():
            assert said(digest) == said(expected.digests[name])


@pytest.mark.real
def test_two_processes_read_what_one_reads(logs: PostgresLogs) -> None:
    one, two = read(logs), read(logs, jobs=2)
    for name, log in one.items():
        assert {key: said(digest) for key, digest in log.digests.items()} == {
            key: said(digest) for key, digest in two[name].digests.items()
        }


@pytest.mark.real
def test_loops_are_found_in_all_formats() -> None:
    logs = postgres_logs("15")
    for log in read(logs).values():
        loop = log.digests[
            fingerprint('SELECT "i"."sku", "i"."Amount" FROM "Order Items" "i" WHERE "i"."order_id" = $1', "postgresql")
        ]
        assert (loop.repeats.runs, loop.repeats.longest, loop.repeats.executions) == (3, 12, 36)


@pytest.mark.real
@pytest.mark.parametrize("version", ["15", "18"])
def test_digests_have_the_server_s_own_counts_and_times(version: str) -> None:
    logs = postgres_logs(version)
    calls: Counter[str] = Counter()
    micros: Counter[str] = Counter()
    for row in logs.counted:
        query = row.query.partition(" AS ")[2] if row.query.startswith("PREPARE") else row.query
        calls[fingerprint(query, "postgresql")] += row.calls
        micros[fingerprint(query, "postgresql")] += round(row.micros)
    # The server counts EXECUTE as what it executes, and these two or not, by its version.
    uncounted = ("prepare ", "deallocate ")
    for log in read(logs).values():
        ours = {name: digest for name, digest in log.digests.items() if digest.time.count}
        ours = {name: digest for name, digest in ours.items() if not name.startswith(uncounted)}
        assert {name: digest.time.count for name, digest in ours.items()} == {
            name: count for name, count in calls.items() if not name.startswith(uncounted)
        }
        # A duration has the parsing and planning of simple statements too.
        short = [name for name, digest in ours.items() if digest.time.total < 0.8 * micros[name]]
        assert len(short) <= len(ours) // 10
        assert 0.95 < sum(digest.time.total for digest in ours.values()) / sum(micros.values()) < 3
