"""Silenced findings stay listed; a silence that silences nothing is said."""

from __future__ import annotations

from datetime import date

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import Silence
from perfkit.reports.headline import headline
from recordings_from_text import recording_of

TODAY = date(2026, 11, 21)
TEXT = """
flask> orders@shop.py:3; deepcopy@std/copy.py:128 60
flask> total@shop.py:9 40
"""


def silence(**changes: str) -> Silence:
    return Silence(**{"rule": "deepcopy-cost", "place": "shop.py", "reason": "agreed", **changes})


def test_a_silenced_finding_is_listed_apart_and_still_explains_its_seconds() -> None:
    analysis = analyse(recording_of(TEXT))
    open_verdicts = judge(analysis, (), TODAY)
    verdicts = judge(analysis, (silence(),), TODAY)
    assert [found.finding.rule for found in verdicts.silenced] == ["deepcopy-cost"]
    assert "deepcopy-cost" not in [finding.rule for finding in verdicts.findings]
    assert verdicts.explained == open_verdicts.explained
    assert verdicts.remarks == ()
    assert verdicts.findings[0].rank == 1
    assert headline(analysis, verdicts.findings, verdicts.silenced).startswith("Besides 60% that is silenced: ")


def test_an_expired_silence_and_one_that_fits_nothing_are_said() -> None:
    analysis = analyse(recording_of(TEXT))
    verdicts = judge(analysis, (silence(expires="2026-01-01"), silence(place="other.py")), TODAY)
    assert verdicts.findings[0].rule == "deepcopy-cost"
    assert verdicts.remarks == (
        "The silence of deepcopy-cost at shop.py expired on 2026-01-01.",
        "The silence of deepcopy-cost at other.py fits no finding of this run.",
    )
