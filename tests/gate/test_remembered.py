"""The last verdict, read again from its JSON report."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.errors import PerfkitError
from perfkit.gate import remembered
from perfkit.model.finding import Place
from perfkit.model.gate import (
    AcceptedBreach,
    Breach,
    CountJudged,
    CountKey,
    TimeJudged,
    Undecided,
    Verdict,
)
from perfkit.reports.gate_json import render
from perfkit.reports.interface import RenderOptions


def _verdict(root: Path) -> Verdict:
    place = Place(str(root / "shop/views.py"), 36, "orders", "app")
    breach = Breach("GET /a", "queries", "more", "+0", 8.0, 9.0, "GET /a queries", "why", place, "changed in a1b2c3d")
    return Verdict(
        answer="fail",
        baseline="main (a1b2c3d)",
        current="HEAD",
        breaches=(breach,),
        undecided=(Undecided("GET /b", "cpu", "too noisy"),),
        times=(TimeJudged("GET /a", "cpu", "slower", 0.1, 0.2, 1.0, 0.9, 1.1, float("inf"), 9),),
        counts=(
            CountJudged(CountKey("GET /a", "statement", "select ?"), "flaky", 1.5, 2.0, (1.0, 2.0, 2.0, 2.0), place),
        ),
        units=("GET /a",),
        root=str(root),
        vanished=("GET /old",),
        appeared=("GET /new",),
        notes=("a note",),
        accepted=(AcceptedBreach(breach, "meant"),),
        commit="a" * 40,
    )


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "shop")
    verdict = _verdict(repository.folder.resolve())
    remembered.keep(repository.folder, render(verdict, RenderOptions()))
    assert remembered.last(repository.folder, None) == verdict
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "perfkit.gate/2"}', '{"schema": "perfkit.gate/1"}', "[" * 9999])
def test_what_is_no_verdict(tmp_path: Path, text: str) -> None:
    repository = Repository(tmp_path / "shop")
    file = repository.write("gate.json", text)
    with pytest.raises(PerfkitError, match="is no verdict of a gate"):
        remembered.last(repository.folder, file)
