"""Baselines as documents: what was counted comes back as it was, and what is no baseline is told so."""

from __future__ import annotations

import json

import pytest

from perfkit.errors import PerfkitError
from perfkit.gate import baselines, counts
from perfkit.model.gate import Baseline, CountKey, Counts

QUERIES = CountKey("GET /orders", "queries")
ROWS = CountKey("GET /orders", "rows")
STATEMENT = CountKey("GET /orders", "statement", "select * from item where id = ?\n")
REPEATS = {"GET /orders": 20, "GET /page": 3}


def _baseline(*rows: int) -> Baseline:
    each = tuple(Counts({QUERIES: 160, ROWS: n, STATEMENT: 60}, REPEATS) for n in rows)
    return Baseline(each, "3.12", "linux-x86_64", "python app.py", "a" * 40, {"GET /orders": 0.00215}, "A CPU")


def test_it_comes_back_as_it_was() -> None:
    kept = _baseline(161, 161)
    found = baselines.parse(baselines.document(kept), "x.json")
    assert found == kept
    assert {one.status for one in counts.judge(found.counts, kept.counts)} == {"same"}


def test_people_can_read_it() -> None:
    unit = json.loads(baselines.document(_baseline(160, 160)))["units"]["GET /orders"]
    assert (unit["queries"], unit["rows"], unit["repeats"]) == (8, 8, 20)
    assert unit["named"]["statement"] == {STATEMENT.name: 3}


def test_what_differed_between_two_processes_stays_flaky() -> None:
    found = baselines.parse(baselines.document(_baseline(160, 170)), "x.json")
    judged = {one.key: one.status for one in counts.judge(found.counts, found.counts)}
    assert judged == {QUERIES: "same", ROWS: "flaky", STATEMENT: "same"}


def test_a_count_of_tomorrow_is_left_out() -> None:
    document = json.loads(baselines.document(_baseline(160, 160)))
    document["units"]["GET /orders"]["spoons"] = 5
    assert baselines.parse(json.dumps(document), "x.json").counts == _baseline(160, 160).counts


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "x.json is no baseline: it is not JSON"),
        ("[" * 100_000, "x.json is no baseline: it is not JSON"),
        ("[1]", "x.json is no baseline"),
        ('{"schema": "perfkit.baseline/9"}', "has the schema 'perfkit.baseline/9', and not 'perfkit.baseline/1'"),
        ('{"schema": "perfkit.baseline/1", "units": 3}', "x.json is damaged"),
        (baselines.document(_baseline(1, 1)).replace('"queries": 8', '"queries": -8'), "x.json is damaged"),
        (baselines.document(_baseline(1, 1)).replace('"queries": 8', '"queries": "many"'), "x.json is damaged"),
        (baselines.document(_baseline(1, 1)).replace('"queries": 8', '"queries": NaN'), "x.json is damaged"),
    ],
)
def test_what_is_no_baseline(text: str, said: str) -> None:
    with pytest.raises(PerfkitError) as caught:
        baselines.parse(text, "x.json")
    assert said in caught.value.message
    assert caught.value.exit_code == 3
