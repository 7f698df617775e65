"""What tracemalloc saw stay, by line: whose line it is, of which processes, and what a request adds to it."""

from __future__ import annotations

from perfkit.analysis.allocations import read
from perfkit.model.memory import Allocation
from perfkit.model.recording import Frame, Request, StackTable

VIEW = Frame("orders", "/srv/shop/views.py", 12, "app")
OTHER = Frame("items", "/srv/shop/views.py", 30, "app")
LIBRARY = Frame("", "/usr/lib/python3.12/json/decoder.py", 353, "stdlib")
REQUESTS = [Request("GET /orders", at, 0.5, 200, "probe", 2, number) for number, at in enumerate([1.0, 6.0, 7.0, 29.9])]


def rows_of(stacks: StackTable, *rows: tuple[int, tuple[Frame, ...], int, int]) -> list[Allocation]:
    return [Allocation(process, stacks.intern(stack), 5.0, 30.0, blocks, size) for process, stack, blocks, size in rows]


def test_what_a_library_allocates_is_the_line_that_called_it() -> None:
    stacks = StackTable()
    rows = rows_of(stacks, (2, (VIEW, LIBRARY), 80, 9_000), (2, (VIEW,), 20, 1_000), (2, (LIBRARY,), 5, 50_000))
    own, library = read(rows, stacks, {2: REQUESTS})
    assert (own.file, own.line, own.blocks, own.bytes, own.origin) == (VIEW.file, 12, 100, 10_000, "app")
    assert stacks.expand(own.stack) == (VIEW, LIBRARY)
    assert (library.line, library.bytes, library.origin) == (353, 50_000, "stdlib")


def test_what_ended_between_the_looks_is_counted() -> None:
    stacks = StackTable()
    (found,) = read(rows_of(stacks, (2, (VIEW,), 4, 6_000)), stacks, {2: REQUESTS})
    assert (found.seconds, found.requests, found.per_request) == (25.0, 2, 3000.0)
    (found,) = read(rows_of(stacks, (2, (VIEW,), 4, 6_000)), stacks, {})
    assert (found.requests, found.per_request) == (0, None)


def test_processes_that_serve_nothing_are_left_out_where_others_do() -> None:
    stacks = StackTable()
    rows = rows_of(stacks, (1, (OTHER,), 9, 90_000), (2, (VIEW,), 4, 6_000), (3, (VIEW,), 4, 6_000))
    served = {2: REQUESTS, 3: REQUESTS}
    (found,) = read(rows, stacks, served)
    assert (found.line, found.bytes, found.requests) == (12, 12_000, 4)
    assert {one.line for one in read(rows, stacks, {})} == {12, 30}


def test_what_shrank_or_has_no_place_is_left_out() -> None:
    stacks = StackTable()
    rows = rows_of(
        stacks, (2, (VIEW,), 4, 6_000), (2, (VIEW, LIBRARY), -4, -7_000), (2, (), 9, 9_000), (2, (OTHER,), 0, 1)
    )
    (found,) = read(rows, stacks, {})
    assert found.line == 30
