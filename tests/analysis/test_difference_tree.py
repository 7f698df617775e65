"""Stacks of two analyses as one tree: who meets whom, what is divided by what, and what is too small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfkit.analysis import analyse
from perfkit.analysis.compare import beyond_chance, functions
from perfkit.analysis.difference_tree import tree, trees
from perfkit.model.analysis import Pressure
from perfkit.model.difference import OTHER, DifferenceTree
from perfkit.model.recording import Recording, Request
from recordings_from_text import recording_of

ROUTE = "flask>; route:{0}@<perfkit>:1; "
PAGE = ROUTE.format("GET /page") + "page@shop.py:{line}; work@shop.py:3; hash@lib/crypt.py:1 {n}\n"
LIST = ROUTE.format("GET /list") + "listed@shop.py:40; sort@std/heapq.py:{line} {n}\n"


def _requests(pages: int, seconds: float) -> list[Request]:
    """One after the other; half as many of the list as of the page."""
    names = ["GET /page"] * pages + ["GET /list"] * (pages // 2)
    return [
        Request(name, n * seconds, seconds, 200, "probe", 1, n + 1, "wsgi", seconds) for n, name in enumerate(names)
    ]


def _recording(page: int, line: int = 7, pages: int = 20, seconds: float = 0.1, extra: str = "") -> Recording:
    """So many looks at the page, and half as many at the list."""
    text = PAGE.format(line=line, n=page) + LIST.format(line=line, n=page // 2) + extra
    return recording_of(text, requests=_requests(pages, seconds))


def _elsewhere(recording: Recording, root: str) -> Recording:
    """The same, of a work tree in another folder."""
    frames = recording.stacks.frames
    frames[:] = [replace(frame, file=frame.file.replace("/proj/", f"{root}/")) for frame in frames]
    return replace(recording, run=replace(recording.run, project=(root,)))


def _nodes(found: DifferenceTree) -> list[tuple[int, str, str]]:
    return [
        (depth, found.names[name].function, found.names[name].file)
        for depth, name in zip(found.depth, found.name, strict=True)
    ]


def _at(found: DifferenceTree, function: str) -> int:
    return next(node for node, name in enumerate(found.name) if found.names[name].function == function)


def _is_told(found: DifferenceTree, function: str) -> bool:
    node = _at(found, function)
    return abs(found.current[node] - found.baseline[node]) > max(found.error[node], found.least)


def test_sides_meet_by_function_and_file_whatever_the_line_and_the_folder() -> None:
    before = analyse(_elsewhere(_recording(200, line=7), "/tmp/gate/baseline"))
    (whole, *_) = trees(before, analyse(_recording(200, line=99)))
    assert _nodes(whole) == [
        (0, "", ""),
        (1, "route:GET /page", "<perfkit>"),
        (2, "page", "shop.py"),
        (3, "work", "shop.py"),
        (4, "hash", "crypt.py"),
        (1, "route:GET /list", "<perfkit>"),
        (2, "listed", "shop.py"),
        (3, "sort", "heapq.py"),
    ]
    assert all(
        baseline == pytest.approx(current) for baseline, current in zip(whole.baseline, whole.current, strict=True)
    )


def test_children_and_nothing_else_add_up_to_their_parent() -> None:
    whole = tree(analyse(_recording(200)), analyse(_recording(300, extra=LIST.format(line=8, n=40))), None)
    for column in (whole.baseline, whole.current):
        for node, depth in enumerate(whole.depth):
            below = 0.0
            for child in range(node + 1, len(whole.depth)):
                if whole.depth[child] <= depth:
                    break
                below += column[child] if whole.depth[child] == depth + 1 else 0.0
            assert below <= column[node] * (1 + 1e-9)


def test_an_endpoint_has_a_tree_of_its_own_whose_root_is_its_route() -> None:
    found = trees(analyse(_recording(200)), analyse(_recording(200, pages=40)))
    assert [one.endpoint for one in found] == [None, "GET /page", "GET /list"]
    page = found[1]
    assert [name for _, name, _ in _nodes(page)] == ["GET /page", "page", "work", "hash"]
    # A tenth of a second each, however many they were.
    assert (page.baseline[0], page.current[0]) == (pytest.approx(0.1), pytest.approx(0.1))


def test_what_is_gone_and_what_is_new() -> None:
    more = ROUTE.format("GET /page") + "page@shop.py:7; fresh@shop.py:9 150\n"
    less = ROUTE.format("GET /page") + "page@shop.py:7; old@shop.py:9 150\n"
    page = tree(analyse(_recording(200, extra=less)), analyse(_recording(200, extra=more)), "GET /page")
    old, fresh = _at(page, "old"), _at(page, "fresh")
    assert page.current[old] == 0 < page.baseline[old]
    assert page.baseline[fresh] == 0 < page.current[fresh]
    assert _is_told(page, "fresh") and _is_told(page, "old") and not _is_told(page, "page")


@pytest.mark.parametrize(("samples", "told"), [(600, True), (30, False)])
def test_the_same_share_means_nothing_with_few_samples(samples: int, told: bool) -> None:
    more = ROUTE.format("GET /page") + f"page@shop.py:7; fresh@shop.py:9 {samples // 3}\n"
    page = tree(analyse(_recording(samples)), analyse(_recording(samples, extra=more)), "GET /page")
    assert _is_told(page, "fresh") is told


def test_what_a_busier_machine_may_explain_is_chance() -> None:
    quiet = replace(analyse(_recording(400)), pressure=Pressure(0.5, 2, 0.4, 0.0, None, 0.0))
    slower = analyse(_recording(800, seconds=0.2))
    busy = replace(slower, pressure=Pressure(8.0, 2, 1.0, 0.0, None, 0.5))
    assert _is_told(tree(quiet, slower, None), "work")
    assert not _is_told(tree(quiet, busy, None), "work")
    assert [one.function for one in beyond_chance(functions(quiet, slower))] == ["work", "listed"]
    assert beyond_chance(functions(quiet, busy)) == ()


def test_what_is_small_stands_together_and_the_tree_stays_small() -> None:
    wide = (
        "".join(f"script>; f{n}@shop.py:{n}; g{n}@shop.py:{n} 3\n" for n in range(2000))
        + "script>; big@shop.py:1 9000\n"
    )
    tiny = wide + "".join(f"script>; big@shop.py:1; t{n}@shop.py:{n} 1\n" for n in range(50))
    whole = tree(analyse(recording_of(wide)), analyse(recording_of(tiny)), None)
    assert len(whole.depth) < 100
    others = [node for node, name in enumerate(whole.name) if whole.names[name] == OTHER]
    # Of the module and of `big`: nothing is lost.
    assert len(others) == 2
    everything = sum(whole.current[node] for node, depth in enumerate(whole.depth) if depth == 1)
    assert everything == pytest.approx(whole.current[0])


def test_a_recursion_of_three_thousand_frames() -> None:
    deep = "script>; " + "; ".join(["f@shop.py:1"] * 3500) + " 100\n"
    whole = tree(analyse(recording_of(deep)), analyse(recording_of(deep)), None)
    assert len(whole.depth) <= 3001
    assert list(whole.depth[:3]) == [0, 1, 2]


def test_a_side_without_samples_has_no_tree() -> None:
    assert trees(analyse(recording_of("")), analyse(_recording(10))) == ()
