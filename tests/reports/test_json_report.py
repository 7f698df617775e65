"""The JSON report is strict, complete and as its schema says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from perfkit.model.report import Report
from perfkit.reports import RenderOptions
from perfkit.reports.json_report import render
from perfkit.reports.schema import json_schema
from perfkit.shared.sqltext import fingerprint_id

ALL = ["server", "empty", "script", "hostile", "deterministic", "long_names", "probed"]


def load(report: Report) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    text = render(report, RenderOptions())
    assert text.endswith("}\n")
    return json.loads(text, parse_constant=refuse)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("case", ALL)
def test_every_report_satisfies_the_schema(case: str, request: pytest.FixtureRequest) -> None:
    Draft202012Validator(json_schema()).validate(load(request.getfixturevalue(case)))


@pytest.mark.parametrize("case", ["server", "probed"])
def test_the_schema_knows_every_field_that_is_written(case: str, request: pytest.FixtureRequest) -> None:
    closed = json.loads(json.dumps(json_schema()), object_hook=_closed)
    Draft202012Validator(closed).validate(load(request.getfixturevalue(case)))


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    return {**node, "additionalProperties": False} if "properties" in node and "required" in node else node


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("headline"),
        lambda d: d["findings"][0].pop("key"),
        lambda d: d["findings"][0]["cost"].update(share=65),
        lambda d: d["findings"][0].update(severity="urgent"),
        lambda d: d["run"]["processes"][0].update(pid="811"),
        lambda d: d["checks"][0].update(status="skipped"),
    ],
)
def test_the_schema_refuses_a_spoiled_report(server: Report, spoil: Any) -> None:
    document = load(server)
    spoil(document)
    assert not Draft202012Validator(json_schema()).is_valid(document)


def test_findings_keep_their_order_and_all_their_fields(server: Report) -> None:
    document = load(server)
    assert [f["rank"] for f in document["findings"]] == [1, 2, 3]
    first = document["findings"][0]
    assert first["where"] == {"file": "shop/views.py", "line": 35, "function": "orders", "origin": "app"}
    assert first["inside"]["file"].startswith(".venv/lib/python3.12/site-packages/django/")
    assert first["inside"]["version"] == "5.1.4"
    assert first["cost"] == {
        "seconds": 6.5,
        "share": 0.65,
        "per_request": 0.0379,
        "basis": "timed",
        "low": 6.2,
        "high": 6.8,
    }
    assert [item["where"] is None for item in first["evidence"]] == [True, True, False]
    assert document["findings"][2]["expected"] is None


def test_circumstances_are_in_the_run(server: Report) -> None:
    run = load(server)["run"]
    assert run["started"] == "2026-11-21T07:36:00.250+00:00"
    assert run["latency"] == {"p50": 0.014, "p95": 0.052, "p99": 0.061}
    assert run["pressure"]["throttled"] is None
    assert [process["peak_pss"] for process in run["processes"]] == [12_000_000, 50_000_000]
    assert (run["requests"], run["failed_requests"], run["overhead"]) == (570, 2, 0.012)


def test_library_files_outside_the_project_stay_absolute(server: Report) -> None:
    files = {function["file"] for function in load(server)["functions"]}
    assert {"/usr/lib/python3.12/json/encoder.py", "shop/views.py", "manage.py"} <= files


def test_what_is_unknown_is_null(script: Report) -> None:
    document = load(script)
    assert document["run"]["requests"] is document["run"]["latency"] is document["run"]["pressure"] is None
    assert document["findings"][0]["cost"]["per_request"] is None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_cannot_write_is_null(server: Report, number: float) -> None:
    assert load(replace(server, overhead=number))["run"]["overhead"] is None


def test_silenced_findings_carry_their_reason(server: Report) -> None:
    (item,) = load(server)["silenced"]
    assert (item["reason"], item["expires"], item["finding"]["rule"]) == ("accepted in March", "2027-03-01", "rule-4")


def test_queries_are_one_for_each_fingerprint_most_seconds_first(probed: Report) -> None:
    customer, orders = load(probed)["queries"]
    assert customer == {
        "fingerprint": "select id, name from customer where id = ?",
        "id": fingerprint_id("select id, name from customer where id = ?"),
        "system": "postgresql",
        "count": 6000,
        "seconds": {
            "total": 6.0,
            "mean": 0.001,
            "p50": 0.001,
            "p95": 0.002,
            "p99": 0.003,
            "max": 0.004,
            "fetch": 0.0,
        },
        "share": 0.6,
        "rows": {"sent": 12_000, "examined": None},
        "per_request": 60.0,
        "endpoints": ["GET /orders/<int:id>"],
        "where": {"file": "shop/views.py", "line": 35, "function": "orders", "origin": "app"},
        "sample": "SELECT id, name from customer where id = ?",
        "n_plus_one": 100,
        # What only the server's own log tells.
        **{name: {} for name in ("users", "databases", "applications", "hosts")},
        **dict.fromkeys(("first", "last", "locked", "over_time")),
    }
    assert orders["endpoints"] == ["GET /orders/<int:id>", "GET /page"]
    assert (orders["count"], orders["per_request"], orders["n_plus_one"]) == (150, 1.0, None)
    assert orders["rows"]["sent"] == 200, "of the executions that counted them"


def test_routes_have_what_the_probe_counted(probed: Report) -> None:
    orders, page, seen = load(probed)["endpoints"]
    assert (orders["source"], orders["requests"], orders["queries_per_request"], orders["failed"]) == (
        "probe",
        100,
        61.0,
        2,
    )
    assert page["failed"] == 0
    assert (seen["source"], seen["queries_per_request"], seen["failed"]) == ("load", None, None)


def test_statements_and_waits_are_no_functions(probed: Report) -> None:
    assert {function["file"] for function in load(probed)["functions"]} == {
        "manage.py",
        "shop/views.py",
        ".venv/lib/python3.12/site-packages/django/db/utils.py",
        ".venv/lib/python3.12/site-packages/django/sessions.py",
    }
