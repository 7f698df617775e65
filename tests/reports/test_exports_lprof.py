"""lprof: letter for letter what line_profiler prints of the same numbers."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.recording import SourceText
from perfkit.model.report import Report
from perfkit.model.zoom import LineTotal, Zoomed
from perfkit.reports import FORMATS, RenderOptions

SOURCE = '''\
import json


@cached
def orders(rows):
\t"""Adds up."""
    total = 0

    for row in rows:
        total += len(json.dumps(row))  # größe
    return total


class Shop:
    def report(self, count):
        def inner(number):
            return number * 2

        return [inner(number) for number in range(count)]


def idle():
    pass
'''.replace("\t", "    ")
KEPT = (4, 11), (15, 19), (22, 23)  # the functions, from their first line to their last

ZOOMED = (
    Zoomed(
        "orders",
        "shop.py",
        4,
        "app",
        20,
        (
            LineTotal(7, 20, 0.000_014_2),
            LineTotal(9, 2_020_000_000, 1234.567_891),
            LineTotal(10, 1_234_567_890_123, 98_765_432.1),
            LineTotal(11, 20, 0.000_000_4),
        ),
    ),
    Zoomed("Shop.report", "shop.py", 15, "app", 3, (LineTotal(16, 3, 0.000_012), LineTotal(19, 3, 0.012_345_6))),
    Zoomed("idle", "shop.py", 22, "app", 1, (LineTotal(23, 1, 0.0),)),
)


def report_with(server: Report, zoomed: tuple[Zoomed, ...], sources: tuple[SourceText, ...]) -> Report:
    return replace(server, analysis=replace(server.analysis, zoomed=zoomed, sources=sources))


def rendered(report: Report) -> str:
    text = FORMATS.load("lprof")(report, RenderOptions())
    assert isinstance(text, str) and text == FORMATS.load("lprof")(report, RenderOptions())
    return text


def kept(source: str) -> tuple[SourceText, ...]:
    lines = source.splitlines()
    return tuple(SourceText("shop.py", first, "\n".join(lines[first - 1 : last])) for first, last in KEPT)


@pytest.mark.parametrize("whole", [False, True], ids=["functions alone", "kept with the class around it"])
def test_it_is_what_line_profiler_prints(
    server: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    real = pytest.importorskip("line_profiler.line_profiler", reason="line_profiler is not installed")
    monkeypatch.chdir(tmp_path)
    Path("shop.py").write_text(SOURCE, encoding="utf-8")
    timings = {
        (zoomed.file, zoomed.first_line, zoomed.function): [
            (total.line, total.hits, round(total.seconds * 1e9)) for total in zoomed.lines
        ]
        for zoomed in ZOOMED
    }
    printed = io.StringIO()
    real.show_text(timings, unit=1e-9, output_unit=1e-6, stream=printed, config=False)
    sources = (SourceText("shop.py", 1, SOURCE),) if whole else kept(SOURCE)
    assert rendered(report_with(server, ZOOMED, sources)) == printed.getvalue()


def test_where_little_of_the_source_was_kept_the_lines_that_ran_are_all_there(server: Report) -> None:
    (zoomed, *_) = ZOOMED
    lines = rendered(report_with(server, (zoomed,), (SourceText("shop.py", 9, "    for row in rows:"),))).splitlines()
    shown = {line[:6].strip(): line for line in lines}
    assert shown["9"].endswith("for row in rows:")
    assert shown["10"].split()[-1] == "100.0"
    assert shown["8"].strip() == "8" and shown["11"].split()[1] == "20"


def test_source_that_is_no_python_is_shown_as_it_is(server: Report) -> None:
    (zoomed, *_) = ZOOMED
    text = rendered(report_with(server, (zoomed,), (SourceText("shop.py", 4, 'def f(\n"""\n' + "x (\n" * 9),)))
    assert '"""' in text and "  11 " in text


def test_a_line_that_never_ended_has_no_time_a_hit(server: Report) -> None:
    zoomed = Zoomed("orders", "shop.py", 4, "app", 1, (LineTotal(7, 0, 0.5),))
    (line,) = [line for line in rendered(report_with(server, (zoomed,), ())).splitlines() if line.startswith("     7")]
    assert line.split() == ["7", "0", "500000.0", "100.0"]


def test_hostile_text_is_harmless_and_tabs_stay(hostile: Report) -> None:
    tabbed = tuple(replace(source, text=source.text.replace("    ", "\t")) for source in hostile.analysis.sources)
    text = rendered(replace(hostile, analysis=replace(hostile.analysis, sources=tabbed)))
    assert "<img src=x" in text and "\t" in text
    assert not {"\x1b", "\r", "\u202e"} & set(text)


def test_without_counted_lines_it_says_what_counts_them(server: Report) -> None:
    with pytest.raises(PerfkitError, match="counted lines") as failure:
        rendered(server)
    assert "--lines" in failure.value.hint and "perfkit zoom" in failure.value.hint
