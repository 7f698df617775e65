"""The public API does in five lines what the commands do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import perfkit
from perfkit.model.target import Command
from perfkit.pipeline import Options

PROGRAM = """
def count(n):
    total = 0
    for i in range(n):
        total += i % 7
    return total

for _ in range(40):
    count(200_000)
"""


@pytest.mark.real
def test_record_load_analyse_judge_and_render(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    target = Command((sys.executable, "program.py"), sys.executable, str(tmp_path))

    measured = perfkit.record(target, Options(), tmp_path / "run.perfkit")

    assert measured.outcome.exit_code == 0
    assert measured.path is not None
    analysis = perfkit.analyse(perfkit.load(measured.path))
    assert analysis.kind == "script"
    verdicts = perfkit.judge(analysis)
    assert any(finding.where and finding.where.function == "count" for finding in verdicts.findings)
    document = json.loads(perfkit.render(perfkit.report(measured.path), "json"))
    assert document["accounting"]["measured"] == pytest.approx(analysis.measured)


def test_a_log_in_three_lines(tmp_path: Path) -> None:
    (tmp_path / "slow.log").write_text(
        "2026-11-21 10:00:00.000 UTC [7] LOG:  duration: 12.500 ms  statement: SELECT 1 FROM orders WHERE id = 7\n"
    )
    digested = perfkit.digest([str(tmp_path / "slow.log")])
    perfkit.record_log(digested, tmp_path / "log.perfkit")
    document = json.loads(perfkit.render(perfkit.report(tmp_path / "log.perfkit"), "json"))
    assert [(query["count"], query["seconds"]["total"]) for query in document["queries"]] == [(1, 0.0125)]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        perfkit.nosuch  # noqa: B018
