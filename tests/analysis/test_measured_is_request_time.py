"""What is measured of a server is the time of its requests, and of what lies outside of them; whatever spans, blocks and
collections overlap, each second of it has one owner."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfkit.analysis import analyse
from perfkit.findings import judge
from perfkit.model.recording import Request, Span, SpanKind
from recordings_from_text import RATE, recording_of

LOOP = "<module>@bin/uvicorn:1; run@std/asyncio/runners.py:1; run_asgi@lib/uvicorn/protocols/http/h11_impl.py:1"
PROBED = [
    f"{LOOP}; request@<perfkit>:1; route:GET /a@<perfkit>:1; a@shop.py:3",
    f"{LOOP}; request@<perfkit>:1; route:GET /b@<perfkit>:1; b@shop.py:9; parse@lib/feed/parse.py:3",
    f"{LOOP}; request@<perfkit>:1; Audit.__call__@audit.py:3",
    f"{LOOP}; request@<perfkit>:1; route:GET /a@<perfkit>:1; a@shop.py:3; span:sql@<perfkit>:1; execute@lib/psycopg/cursor.py:1",
]
OUTSIDE = [f"{LOOP}; read@lib/uvicorn/protocols/http/h11_impl.py:5; h@shop.py:90", "thread pool; flask>; c@shop.py:20"]
SITES = ["a@shop.py:3", "b@shop.py:9; ask@shop.py:40", "parse@lib/feed/parse.py:3"]
KINDS: list[SpanKind] = [
    "sql",
    "fetch",
    "transaction",
    "connect",
    "pool",
    "compile",
    "render",
    "regex",
    "json",
    "import",
    "http",
    "call",
]
moments = st.floats(0, 4, allow_nan=False)
lengths = st.one_of(st.just(0.0), st.floats(1e-6, 0.01), st.floats(0.01, 3))


@st.composite
def servers(draw: st.DrawFn, most: int) -> dict[str, Any]:
    """Arguments of `recording_of`: up to `most` requests at the same time, in two processes."""
    requests = [
        Request(
            draw(st.sampled_from(["GET /a", "GET /b", "GET (no route)"])),
            draw(moments),
            draw(lengths),
            200,
            "probe",
            draw(st.sampled_from([1, 1, 2])),
            number,
            draw(st.sampled_from(["asgi", "wsgi"])),
        )
        for number in range(1, 1 + draw(st.integers(1, most)))
    ]
    spans = [
        (
            Span(
                r.process or 0,
                r.number or 0,
                draw(st.sampled_from(KINDS)),
                0,
                0,
                r.start + draw(lengths),
                draw(lengths),
            ),
            "x",
            draw(st.sampled_from(SITES)),
        )
        for r in draw(st.lists(st.sampled_from(requests), max_size=12))
    ]
    stops: list[SpanKind] = ["gc", "block"]
    for _ in range(draw(st.integers(0, 6))):
        span = Span(
            draw(st.sampled_from([1, 2])), 0, draw(st.sampled_from(stops)), 0, 0, draw(moments), draw(lengths), 2
        )
        spans.append((span, "it stops", draw(st.sampled_from(SITES))))
    rows = [
        f"process {draw(st.sampled_from([1, 2]))}; {draw(st.sampled_from(PROBED + OUTSIDE))} {draw(st.integers(1, 300))}"
        for _ in range(draw(st.integers(0, 6)))
    ]
    # Only who is seen in a request of a server is one.
    rows.append(f"{PROBED[0]} 1")
    return {"text": "\n".join(rows), "requests": requests, "spans": spans}


def outside(case: dict[str, Any]) -> float:
    """Sampled seconds of requests that no probe timed."""
    rows = [row.rpartition(" ") for row in case["text"].split("\n")]
    return sum(int(count) for stack, _, count in rows if "request@<perfkit>" not in stack) / RATE


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_measured_is_what_requests_lasted(concurrency: int) -> None:
    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(servers(concurrency))
    def holds(case: dict[str, Any]) -> None:
        analysis = analyse(recording_of(**case))
        lasted = sum(request.seconds for request in case["requests"])
        assert analysis.measured == pytest.approx(lasted + outside(case), rel=1e-6, abs=1e-6)
        assert sum(time.seconds for time in analysis.times) == pytest.approx(analysis.measured)
        assert all(time.seconds >= 0 for time in analysis.times)
        for time in analysis.times:
            assert sum(time.clusters.values()) == pytest.approx(time.seconds, abs=1e-9)
        verdicts = judge(analysis, (), date(2026, 1, 1))
        assert verdicts.explained == pytest.approx(sum(finding.cost.seconds for finding in verdicts.findings))
        assert verdicts.explained <= analysis.measured * (1 + 1e-9)
        for finding in verdicts.findings:
            assert 0 <= finding.cost.low <= finding.cost.seconds * (1 + 1e-9)
            assert finding.cost.seconds <= finding.cost.high * (1 + 1e-9)
            assert finding.cost.high <= analysis.measured * (1 + 1e-9)

    holds()


def test_time_that_nothing_shows_is_said_and_in_no_finding() -> None:
    requests = [Request("GET /a", n * 0.1, 0.1, 200, "probe", 1, n + 1, "asgi") for n in range(40)]
    analysis = analyse(recording_of(f"{PROBED[0]} 100", requests=requests))
    assert sum(time.seconds for time in analysis.times if time.state == "awaiting") == pytest.approx(3.0)
    assert any("75% of their time requests awaited" in note for note in analysis.notes)
    assert judge(analysis, (), date(2026, 1, 1)).explained == pytest.approx(1.0)
    busy = analyse(recording_of(f"{PROBED[0]} 390", requests=requests))
    assert not any("awaited" in note for note in busy.notes)


@pytest.mark.parametrize(("latency", "said"), [(1.0, True), (0.15, False)])
def test_time_before_a_worker_took_a_request_up_is_told(latency: float, said: bool) -> None:
    served = [Request("GET /a", n * 0.1, 0.1, 200, "probe", 1, n + 1, "wsgi") for n in range(10)]
    loaded = [Request("GET /a", n * 0.1, latency, 200, "load") for n in range(10)]
    analysis = analyse(recording_of(f"{PROBED[0]} 100", requests=[*served, *loaded]))
    expected = "Clients waited 10 s, and the application had their requests for 1 s of that: 90% went by"
    assert any(note.startswith(expected) for note in analysis.notes) is said


def test_no_more_requests_fail_than_there_were() -> None:
    served = [Request("GET /a", n * 0.1, 0.1, 500, "probe", 1, n + 1, "wsgi") for n in range(3)]
    loaded = [Request("GET /a", n * 0.1, 0.1, 500, "load") for n in range(4)]
    analysis = analyse(recording_of(f"{PROBED[0]} 100", requests=[*served, *loaded]))
    assert (analysis.failed_requests, analysis.requests) == (3, 3)


@pytest.mark.parametrize("requests", [(), (Request("GET /a", 0.1, 0.5, 200, "probe", 1, 1, "wsgi"),)])
def test_what_is_only_counted_owns_no_time(requests: tuple[Request, ...]) -> None:
    """Requests to other services and calls stand in a recording, and samples divide its time as if they did not."""
    text = "\n".join(f"{stack} 40" for stack in PROBED[:2]) if requests else "<module>@main.py:1; work@main.py:9 40"
    spans = [
        (Span(1, len(requests), "http", 0, 0, 0.2, 0.3), "api.example.com", "a@shop.py:3"),
        (Span(1, len(requests), "call", 0, 0, 0.3, 0.0, 7), "call", "a@shop.py:1"),
    ]
    bare, counted = (analyse(recording_of(text, requests=requests, spans=each)) for each in ([], spans))
    assert sorted(one.seconds for one in bare.times) == sorted(one.seconds for one in counted.times)
    assert (bare.measured, bare.uses) == (counted.measured, counted.uses)
