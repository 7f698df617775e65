"""Two analyses of the same work: functions, statements, and the line that changed."""

from __future__ import annotations

import pytest

from perfkit.analysis import analyse
from perfkit.analysis.compare import changed_caller, functions, statements
from perfkit.model.analysis import Analysis
from perfkit.model.finding import Place
from perfkit.model.recording import Request, Span
from recordings_from_text import recording_of

WORK = "flask>; route:GET /page@<perfkit>:1; page@shop.py:{line}; work@shop.py:3; hash@lib/crypt.py:1"


def _analysed(work: int, other: int, line: int = 7, names: int = 2) -> Analysis:
    """Ten requests of one endpoint within five seconds; `names` statements each."""
    requests = [Request("GET /page", n / 2, 0.4, 200, "probe", 1, n + 1, "wsgi", 0.4) for n in range(10)]
    at = f"flask>; page@shop.py:{line}; name@shop.py:9"
    spans = [
        (Span(1, n + 1, "sql", 0, 0, n / 2 + 0.01 * k, 0.001), "SELECT name FROM item WHERE id = ?", at)
        for n in range(10)
        for k in range(names)
    ]
    text = f"{WORK.format(line=line)} {work}\nflask>; route:GET /page@<perfkit>:1; page@shop.py:{line}; other@shop.py:20 {other}"
    return analyse(recording_of(text, requests=requests, spans=spans))


def test_what_grew_most_comes_first_with_its_callees_in_libraries() -> None:
    before, after = _analysed(100, 100), _analysed(300, 100)
    first, *others = functions(before, after)
    assert (first.function, first.file) == ("work", "shop.py")
    assert first.where == Place("/proj/shop.py", 3, "work", "app")
    assert first.current > 1.4 * first.baseline > 0
    assert [one.function for one in others][-1] == "other"


def test_few_samples_may_stray_far() -> None:
    many, few = (functions(_analysed(n, n), _analysed(n, n)) for n in (400, 8))
    shares = [next(one.error / one.current for one in found if one.function == "work") for found in (many, few)]
    assert shares[1] == pytest.approx(shares[0] * (400 / 8) ** 0.5, rel=0.05)


def test_a_function_that_one_side_does_not_have_takes_nothing_there() -> None:
    before = _analysed(100, 100)
    found = {one.function: one for one in functions(before, _analysed(0, 100))}
    assert found["work"].current == 0
    assert found["work"].where is not None


def test_statements_that_run_more_often() -> None:
    (more,) = statements(_analysed(50, 50, names=2), _analysed(50, 50, names=3))
    assert (more.endpoint, more.baseline, more.current) == ("GET /page", 2, 3)
    assert more.text.lower() == "select name from item where id = ?"
    assert statements(_analysed(50, 50), _analysed(60, 50)) == []


def test_the_nearest_caller_that_changed_is_where_it_comes_from() -> None:
    after = _analysed(300, 100)
    grown = Place("/proj/shop.py", 3, "work", "app")

    def found(*lines: int) -> int | None:
        place = changed_caller(after, "GET /page", grown, {"/proj/shop.py": frozenset(lines)})
        return None if place is None else place.line

    assert found(7) == 7
    assert found(3, 7) == 3
    assert found(20) is None
