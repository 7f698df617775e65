"""What requests did, counted for each endpoint."""

from __future__ import annotations

from perfkit.analysis.unit_counts import count
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


def test_a_script_is_one_unit_with_all_it_did() -> None:
    found = count(_recorded())
    assert found.repeats == {WHOLE: 1}
    assert found.totals[CountKey(WHOLE, "queries")] == 19
