"""Every rule on cases that must fire and on healthy ones that must stay quiet."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from rule_cases import Fires, Quiet, verdicts_of

from perfkit.findings import RULES

MODULES = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("cases_*.py"))]
FIRES: list[Fires] = [case for module in MODULES for case in module.FIRES]
QUIET: list[Quiet] = [case for module in MODULES for case in module.QUIET]


@pytest.mark.parametrize("case", FIRES, ids=lambda case: f"{case.rule}: {case.name}")
def test_fires(case: Fires) -> None:
    found = [finding for finding in verdicts_of(case).findings if finding.rule == case.rule]
    assert len(found) == 1, [finding.title for finding in found]
    finding = found[0]
    where = finding.where and (finding.where.function, finding.where.file, finding.where.line)
    assert where == case.place
    inside = finding.inside and f"{finding.inside.function}@{finding.inside.distribution}"
    assert inside == case.inside
    assert finding.endpoint == case.endpoint
    assert finding.cost.share == pytest.approx(case.share, abs=0.02)


@pytest.mark.parametrize("case", QUIET, ids=lambda case: f"{case.rule}: {case.name}")
def test_stays_quiet(case: Quiet) -> None:
    assert [f.title for f in verdicts_of(case).findings if f.rule == case.rule] == []


@pytest.mark.parametrize("rule", [name for name in RULES if getattr(RULES.load(name), "ranks", "time") == "time"])
def test_every_rule_has_three_cases_of_each_kind(rule: str) -> None:
    assert sum(case.rule == rule for case in FIRES) >= 3
    assert sum(case.rule == rule for case in QUIET) >= 3


@pytest.mark.parametrize("case", FIRES, ids=lambda case: f"{case.rule}: {case.name}")
def test_keys_survive_moved_lines(case: Fires) -> None:
    keys = [sorted(f.key for f in verdicts_of(case, shift=shift).findings) for shift in (0, 10)]
    assert keys[0] == keys[1]
