"""Lines whose allocations stay: evidence of what goes on growing, and no finding by themselves."""

from __future__ import annotations

from dataclasses import replace

from memory_cases import MB, Case, Kept, flat, leaking, recording

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.finding import MemoryFinding
from perfkit.model.memory import Allocation
from perfkit.model.recording import Frame
from recordings_from_text import PROJECT

SEEN = Kept("shop.SEEN", lambda at: 20 * at, each=2000)
OWN = Frame("orders", f"{PROJECT}/shop.py", 12, "app")
OTHER = Frame("orders", f"{PROJECT}/shop.py", 14, "app")
LIBRARY = Frame("", "/usr/lib/python3.12/json/decoder.py", 353, "stdlib")


def found(case: Case, *rows: tuple[Frame, int]) -> list[MemoryFinding]:
    measured = recording(case)
    process = next(one.process for one in measured.requests if one.process is not None)
    traced = tuple(
        Allocation(process, measured.stacks.intern((frame,)), 8.0, 58.0, size // 100, size) for frame, size in rows
    )
    verdicts = judge(analyse(replace(measured, allocations=traced)))
    return list(verdicts.memory)


def claims(finding: MemoryFinding) -> list[str]:
    return [item.claim for item in finding.evidence if item.claim.startswith("tracemalloc")]


def test_a_leak_has_the_lines_that_most_of_it_was_allocated_at() -> None:
    case = Case("", "memory-leak", leaking, [SEEN])
    (leak,) = [one for one in found(case, (OWN, 2 * MB), (OTHER, MB // 10), (LIBRARY, 9 * MB)) if one.rule == case.rule]
    (claim,) = claims(leak)
    assert claim.startswith("tracemalloc: 2.1 MB more in 20,971 blocks allocated at shop.py:12 stood after 50 s, ")
    assert claim.endswith(" for each request.")
    assert [item.where.line for item in leak.evidence if item.where] == [12]


def test_what_does_not_grow_is_not_explained_by_them() -> None:
    assert found(Case("", "memory-leak", flat), (OWN, 20 * MB)) == []


def test_little_is_no_evidence() -> None:
    case = Case("", "memory-leak", leaking, [SEEN])
    assert [claims(one) for one in found(case, (OWN, 30_000)) if one.rule == case.rule] == [[]]
