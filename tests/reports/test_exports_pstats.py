"""pstats: what Python's own reader says of the file, for counted calls and for sampled stacks."""

from __future__ import annotations

import cProfile
import io
import marshal
import pstats
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.analysis import Analysis
from perfkit.model.recording import Call, Frame, SourceText
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions

Key = tuple[str, int, str]
Read = Callable[[Report], pstats.Stats]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The file as `pstats.Stats` reads it."""

    def read(report: Report) -> pstats.Stats:
        content = FORMATS.load("pstats")(report, RenderOptions())
        assert isinstance(content, bytes) and content == FORMATS.load("pstats")(report, RenderOptions())
        (tmp_path / "out.prof").write_bytes(content)
        return pstats.Stats(str(tmp_path / "out.prof"), stream=io.StringIO())

    return read


def table(stats: pstats.Stats) -> dict[Key, tuple[int, int, float, float, dict[Key, tuple[int, int, float, float]]]]:
    found: dict[Key, tuple[int, int, float, float, dict[Key, tuple[int, int, float, float]]]] = stats.stats  # type: ignore[attr-defined]
    return found


def printed(stats: pstats.Stats) -> str:
    stats.sort_stats("cumulative").print_stats()
    stats.print_callers()
    stats.print_callees()
    return stats.stream.getvalue()  # type: ignore[attr-defined,no-any-return]


def with_(report: Report, **changes: object) -> Report:
    analysis: Analysis = replace(report.analysis, **changes)  # type: ignore[arg-type]
    return replace(report, analysis=analysis)


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def work() -> int:
    return sum(sorted(fib(9) for _ in range(20)))


def calls_of(stats: pstats.Stats, swapped: bool = False) -> tuple[Call, ...]:
    """Edges as a recording holds them; a function that nobody called has one from nowhere."""

    def frame(key: Key) -> Frame:
        return Frame(key[2], "<built-in>" if key[0] == "~" else key[0], key[1], "app")

    found = []
    for callee, (primitive, calls, own, total, callers) in table(stats).items():
        if not callers:
            found.append(Call(1, None, frame(callee), calls, primitive, own, total))
        for caller, (n, few, tt, ct) in callers.items():
            counts = (few, n) if swapped else (n, few)
            found.append(Call(1, frame(caller), frame(callee), *counts, tt, ct))
    return tuple(found)


@pytest.mark.parametrize("swapped", [False, True], ids=["", "counts the other way round"])
def test_counted_calls_are_those_of_cprofile(read: Read, deterministic: Report, swapped: bool) -> None:
    profile = cProfile.Profile()
    profile.runcall(work)
    real = pstats.Stats(profile)
    mine = table(read(with_(deterministic, calls=calls_of(real, swapped))))
    assert mine.keys() == table(real).keys()
    for key, (primitive, calls, own, total, callers) in table(real).items():
        assert mine[key][:2] == (primitive, calls), key
        assert mine[key][2:4] == pytest.approx((own, total)), key
        assert mine[key][4].keys() == callers.keys()
        for caller, numbers in callers.items():
            assert mine[key][4][caller][:2] == numbers[:2]
            assert mine[key][4][caller][2:] == pytest.approx(numbers[2:])


def test_functions_that_call_each_other_take_no_more_than_everything(read: Read, deterministic: Report) -> None:
    one, two = Frame("one", "/srv/shop/a.py", 1, "app"), Frame("two", "/srv/shop/a.py", 5, "app")
    calls = (Call(1, None, one, 1, 1, 0.2, 3.0), Call(1, one, two, 9, 9, 1.8, 2.8), Call(1, two, one, 8, 8, 1.0, 2.5))
    found = table(read(with_(deterministic, calls=calls)))
    assert {key[2]: row[3] for key, row in found.items()} == {"one": 3.0, "two": 2.8}


def test_a_caller_of_which_nothing_else_is_known_is_a_function_too(read: Read, deterministic: Report) -> None:
    (edge,) = [call for call in deterministic.analysis.calls if call.caller is not None]
    found = table(read(with_(deterministic, calls=(edge,))))
    assert found["manage.py", 12, "main"][:4] == (0, 0, 0.0, 0.0)
    assert found["shop/views.py", 48, "report"][4] == {("manage.py", 12, "main"): (400, 400, 3.0, 3.0)}


def test_sampled_seconds_are_measured_seconds(read: Read, server: Report) -> None:
    stats = read(server)
    assert stats.total_tt == pytest.approx(server.analysis.measured)  # type: ignore[attr-defined]
    found = table(stats)
    main = found["manage.py", 12, "main"]
    assert main[3] == pytest.approx(10.0) and main[2] == 0.0
    assert main[:2] == (server.analysis.samples,) * 2
    report = found["shop/views.py", 48, "report"]
    assert report[2:4] == pytest.approx((0.9, 0.9))
    assert report[4] == {("manage.py", 12, "main"): (180, 180, pytest.approx(0.9), pytest.approx(0.9))}
    assert "shop/views.py:48(report)" in printed(stats)


def test_calls_that_were_counted_beside_samples_are_no_profile(read: Read, server: Report) -> None:
    orders = Frame("orders", "/srv/shop/shop/views.py", 30, "app")
    counted = (
        Call(1, None, Frame("request", "<perfkit>", 0, "native"), 9, 9, 0.0, 5.0),
        Call(1, None, orders, 7, 7, 0.0, 0.0),
    )
    assert table(read(with_(server, calls=counted))) == table(read(server))


def test_recursion_counts_once(read: Read, server: Report) -> None:
    walk = Frame("walk", "/srv/shop/tree.py", 3, "app")
    stacks = server.analysis.stacks
    time = replace(server.analysis.times[0], stack=stacks.intern((walk, walk, walk)), seconds=2.0, n=7)
    found = table(read(with_(server, times=(time,))))
    key = ("tree.py", 3, "walk")
    assert found == {key: (7, 7, 2.0, 2.0, {key: (7, 7, 2.0, 2.0)})}


def test_methods_of_one_name_are_told_apart_by_their_definitions(read: Read, server: Report) -> None:
    file = "/srv/shop/models.py"
    source = SourceText(
        file, 1, "class A:\n    def save(self):\n        a()\n        b()\n    def save(self):\n        c()"
    )
    stacks = server.analysis.stacks
    times = [
        replace(server.analysis.times[0], stack=stacks.intern((Frame("save", file, line, "app"),)), seconds=1.0, n=1)
        for line in (3, 4, 6)
    ]
    found = table(read(with_(server, times=tuple(times), sources=(source,))))
    assert {key: row[2] for key, row in found.items()} == {
        ("models.py", 2, "save"): 2.0,
        ("models.py", 5, "save"): 1.0,
    }


def test_what_has_no_file_stands_among_the_builtins(read: Read, probed: Report) -> None:
    names = {key[2] for key in table(read(probed)) if key[:2] == ("~", 0)}
    assert "GET /orders/<int:id>" in names and "select id, name from customer where id = ?" in names


def test_hostile_names_are_printed_harmlessly(read: Read, hostile: Report) -> None:
    text = printed(read(hostile))
    assert "<img src=x" in text
    assert not {"\x1b", "\r", "\u202e"} & set(text)


def test_nothing_but_plain_values_is_written(hostile: Report) -> None:
    content = FORMATS.load("pstats")(hostile, RenderOptions())
    assert isinstance(content, bytes)
    for key, row in marshal.loads(content).items():
        assert [type(value) for value in key] == [str, int, str]
        assert [type(value) for value in row] == [int, int, float, float, dict]


def test_a_recording_without_samples_and_calls_is_refused(server: Report) -> None:
    with pytest.raises(PerfkitError, match="no samples"):
        FORMATS.load("pstats")(with_(server, times=()), RenderOptions())
