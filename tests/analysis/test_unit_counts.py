"""What requests did, counted for each endpoint."""

from __future__ import annotations

from perfkit.analysis.unit_counts import count, count_tests
from perfkit.model.gate import WHOLE, CountKey
from perfkit.model.recording import Recording, Request, Span, SpanKind
from recordings_from_text import recording_of

AT = "flask>; orders@shop.py:7; name@shop.py:3"


def _recorded(*, first: int = 2, requests: int = 6) -> Recording:
    """Requests of two endpoints in turn; the `first` of each open a connection and import."""
    made, spans = [], []

    def span(number: int, kind: SpanKind, text: str, rows: int | None = None) -> None:
        spans.append((Span(1, number, kind, 0, 0, number / 10, 0.001, rows), text, AT))

    for number in range(1, requests + 1):
        made.append(Request("GET /a" if number % 2 else "GET /b", number / 10, 0.05, 200, "probe", 1, number, "wsgi"))
        if number <= 2 * first:
            span(number, "connect", "sqlite3")
            span(number, "import", "json")
        for _ in range(3):
            span(number, "sql", "SELECT ?")
            span(number, "fetch", "SELECT ?", 5)
        span(number, "transaction", "COMMIT")
        span(number, "transaction", "BEGIN")
    span(0, "sql", "outside")
    return recording_of(f"{AT} 10", requests=made, spans=spans)


def test_each_endpoint_without_its_first_requests() -> None:
    found = count(_recorded(), skip=2)
    assert found.repeats == {"GET /a": 1, "GET /b": 1}
    assert {(key.what, key.name): n for key, n in found.totals.items() if key.unit == "GET /a"} == {
        ("queries", ""): 3,
        ("statement", "SELECT ?"): 3,
        ("rows", ""): 15,
        ("commits", ""): 1,
    }


def test_the_first_requests_count_when_nothing_is_left_out() -> None:
    found = count(_recorded(), skip=0)
    assert found.repeats == {"GET /a": 3, "GET /b": 3}
    assert found.totals[CountKey("GET /a", "connections")] == 2
    assert found.totals[CountKey("GET /a", "import", "json")] == 2


def test_each_process_has_its_own_first_requests() -> None:
    made = [Request("GET /", n / 10, 0.05, 200, "probe", 1 + n % 2, n, "wsgi") for n in range(1, 9)]
    recording = recording_of(f"{AT} 10\nprocess 2; {AT} 10", requests=made)
    assert count(recording, skip=3).repeats == {"GET /": 2}


def test_statements_have_their_place() -> None:
    found = count(_recorded(), skip=2)
    place = found.places[CountKey("GET /b", "statement", "SELECT ?")]
    assert (place.file, place.line, place.function) == ("/proj/shop.py", 3, "name")


def test_requests_to_other_services_by_host() -> None:
    made = [Request("GET /", n / 10, 0.05, 200, "probe", 1, n, "wsgi") for n in range(1, 4)]
    spans = [(Span(1, n, "http", 0, 0, n / 10, 0.01), host, AT) for n in range(1, 4) for host in ("api", "api", "mail")]
    found = count(recording_of(f"{AT} 10", requests=made, spans=spans), skip=1)
    assert {(key.what, key.name): n for key, n in found.totals.items()} == {
        ("external", ""): 6,
        ("host", "api"): 4,
        ("host", "mail"): 2,
    }
    assert found.places[CountKey("GET /", "host", "mail")].function == "name"


def test_calls_by_function_wherever_the_project_lies() -> None:
    made = [Request("GET /", 0.1, 0.05, 200, "probe", 1, 1, "wsgi")]
    calls = {"Order.total@shop/orders.py:7": 60, "page@lib/shop/pages.py:3": 1, "page@shop.py:1": 2}
    spans = [(Span(1, 1, "call", 0, 0, 0.1, 0.0, n), "call", at) for at, n in calls.items() for _ in range(2)]
    found = count(recording_of(f"{AT} 10", requests=made, spans=spans), skip=0)
    assert {(key.what, key.name): n for key, n in found.totals.items()} == {
        ("calls", ""): 126,
        ("call", "shop/orders.py:Order.total"): 120,
        ("call", "shop/pages.py:page"): 2,
        ("call", "shop.py:page"): 4,
    }
    place = found.places[CountKey("GET /", "call", "shop/orders.py:Order.total")]
    assert (place.file, place.line) == ("/proj/shop/orders.py", 7)


def test_a_script_is_one_unit_with_all_it_did() -> None:
    found = count(_recorded())
    assert found.repeats == {WHOLE: 1}
    assert found.totals[CountKey(WHOLE, "queries")] == 19


def _suite(*spans: Span, tests: tuple[tuple[str, float, float, int], ...]) -> Recording:
    """Tests are (name, start, seconds, process)."""
    made = [Request(name, start, took, 200, "probe", of, n, "test") for n, (name, start, took, of) in enumerate(tests)]
    return recording_of(f"{AT} 10\nprocess 2; {AT} 10", requests=made, spans=[(span, "SELECT ?", AT) for span in spans])


def _queries(*moments: float, process: int = 1, request: int = 0) -> list[Span]:
    return [Span(process, request, "sql", 0, 0, moment, 0.001) for moment in moments]


def test_a_test_has_what_happened_between_its_begin_and_its_end() -> None:
    """Whichever request of its own client it was for; what fixtures do before and after is nobody's."""
    tests = (("t.py::a", 1.0, 0.5, 1), ("t.py::b", 2.0, 0.5, 1))
    found = count_tests(_suite(*_queries(0.5, 1.0, 1.2, 1.7, 2.5), *_queries(2.1, request=7), tests=tests))
    assert found.repeats == {"t.py::a": 1, "t.py::b": 1}
    queries = {key.unit: n for key, n in found.totals.items() if key.what == "queries"}
    assert queries == {"t.py::a": 2, "t.py::b": 2}


def test_workers_have_tests_of_their_own() -> None:
    tests = (("t.py::a", 1.0, 0.5, 1), ("t.py::b", 1.1, 0.5, 2))
    found = count_tests(_suite(*_queries(1.2, 1.3), *_queries(1.2, process=2), tests=tests))
    assert found.totals[CountKey("t.py::a", "queries")] == 2
    assert found.totals[CountKey("t.py::b", "queries")] == 1


def test_a_process_that_a_test_starts_is_a_part_of_it() -> None:
    found = count_tests(_suite(*_queries(1.2, 1.7, process=2), tests=(("t.py::a", 1.0, 0.5, 1),)))
    assert found.totals[CountKey("t.py::a", "queries")] == 1


def test_a_test_imports_a_module_once() -> None:
    """Requests inside of it time the import as well."""
    spans = [Span(1, number, "import", 0, 0, 1.0 + number / 10, 0.0) for number in (0, 3)]
    found = count_tests(_suite(*spans, tests=(("t.py::a", 1.0, 0.5, 1),)))
    assert found.totals[CountKey("t.py::a", "imports")] == 1
