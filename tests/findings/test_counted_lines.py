"""Counted lines stand beside the finding in their function, and change nothing about its rank or its cost."""

from __future__ import annotations

from dataclasses import replace

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import Finding
from perfkit.model.memory import LineTime
from recordings_from_text import PROJECT, recording_of

TEXT = """
    flask>; orders@shop.py:7 60
    flask>; render@shop.py:20 40
"""


def found(*lines: LineTime) -> tuple[Finding, ...]:
    return judge(analyse(replace(recording_of(TEXT), lines=lines))).findings


def line(number: int, hits: int, seconds: float, first: int = 5, process: int = 1) -> LineTime:
    return LineTime(process, "orders", f"{PROJECT}/shop.py", first, 10, number, hits, seconds)


def claims(findings: tuple[Finding, ...]) -> list[str]:
    return [item.claim for finding in findings for item in finding.evidence if "ran" in item.claim]


def test_the_hottest_line_of_the_function_is_told() -> None:
    assert claims(found(line(7, 600, 3.0), line(8, 10, 1.0))) == [
        "This line ran 600 times in 10 calls: 75% of the function's time."
    ]
    (said,) = claims(found(line(7, 600, 1.0), line(8, 10, 3.0)))
    assert said.startswith("Line 8 ran 10 times")


def test_processes_are_added_up() -> None:
    assert claims(found(line(7, 600, 3.0), line(7, 400, 2.0, process=1))) == [
        "This line ran 1,000 times in 10 calls: 100% of the function's time."
    ]


def test_ranks_and_costs_stay() -> None:
    without, counted = found(), found(line(8, 600, 3.0))
    assert [(f.key, f.rank, f.cost) for f in without] == [(f.key, f.rank, f.cost) for f in counted]


def test_lines_of_other_functions_and_even_ones_say_nothing() -> None:
    assert claims(found(line(12, 600, 3.0, first=11))) == []
    assert claims(found(*(line(number, 10, 1.0) for number in range(5, 12)))) == []
