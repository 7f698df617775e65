"""chrome: requests and spans on tracks on which everything lies inside or behind everything else."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import PerfkitError
from perfkit.model.memory import MemoryUse
from perfkit.model.recording import Recording, Request, Span
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions
from perfkit.reports.chrome_lanes import Lanes, Slice
from recordings_from_text import recording_of

Event = dict[str, Any]


def request(number: int, start: float, seconds: float, process: int = 1) -> Request:
    return Request("GET /orders/<int:id>", start, seconds, 200, "probe", process, number, "wsgi", 0.002, 512)


def sql(number: int, start: float, seconds: float, text: str = "SELECT ?", count: int | None = 3) -> Any:
    return Span(1, number, "sql", 0, 0, start, seconds, count), text, "orders@shop.py:5"


def timed(*spans: Any, requests: tuple[Request, ...] = ()) -> Recording:
    return recording_of(
        "flask>; orders@shop.py:5 10\nprocess 2; flask>; orders@shop.py:5 10", spans=spans, requests=requests
    )


def events(report: Report, recording: Recording) -> list[Event]:
    text = FORMATS.load("chrome")(report, RenderOptions(recording=recording))
    assert isinstance(text, str) and text == FORMATS.load("chrome")(report, RenderOptions(recording=recording))
    document = json.loads(text)
    assert document["displayTimeUnit"] == "ms"
    found: list[Event] = document["traceEvents"]
    return found


def tracks(found: list[Event]) -> dict[str, list[tuple[str, int, int]]]:
    """What lies on each track: (name, microsecond, microseconds)."""
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in found if e["name"] == "thread_name"}
    lying: defaultdict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for event in found:
        if event["ph"] == "X":
            name = f"{event['pid']} {names[event['pid'], event['tid']]}"
            lying[name].append((event["name"], event["ts"], event["dur"]))
    return dict(lying)


def test_a_requests_statements_lie_inside_of_it(server: Report) -> None:
    spans = (sql(7, 0.51, 0.02), sql(7, 0.55, 0.01))
    assert tracks(events(server, timed(*spans, requests=(request(7, 0.5, 0.1),)))) == {
        "101 requests, track 1": [
            ("GET /orders/<int:id>", 500_000, 100_000),
            ("SELECT ?", 510_000, 20_000),
            ("SELECT ?", 550_000, 10_000),
        ]
    }


def test_details_are_those_that_people_ask_for(server: Report) -> None:
    found = events(server, timed(sql(7, 0.51, 0.02), requests=(request(7, 0.5, 0.1),)))
    details = {event["cat"]: event["args"] for event in found if event["ph"] == "X"}
    assert details == {
        "request": {"status": 200, "request": 7, "cpu_us": 2000, "bytes": 512},
        "sql": {"at": "orders (shop.py:5)", "rows": 3, "request": 7},
    }


def test_requests_at_the_same_time_have_a_track_each_and_later_ones_use_them_again(server: Report) -> None:
    requests = (request(1, 0.0, 0.5), request(2, 0.2, 0.1), request(3, 0.4, 0.3), request(4, 0.6, 0.1))
    assert tracks(events(server, timed(requests=requests))) == {
        "101 requests, track 1": [("GET /orders/<int:id>", 0, 500_000), ("GET /orders/<int:id>", 600_000, 100_000)],
        "101 requests, track 2": [
            ("GET /orders/<int:id>", 200_000, 100_000),
            ("GET /orders/<int:id>", 400_000, 300_000),
        ],
    }


def test_statements_at_the_same_time_and_what_outlives_its_request_lie_beside_it(server: Report) -> None:
    spans = (sql(1, 0.1, 0.2), sql(1, 0.2, 0.2), sql(1, 0.45, 0.2), sql(0, 0.9, 0.1))
    found = tracks(events(server, timed(*spans, requests=(request(1, 0.0, 0.5),))))
    assert found["101 requests, track 1"][1:] == [("SELECT ?", 100_000, 200_000)]
    beside = found["101 beside or outside of requests, track 1"]
    assert [(at, length) for _, at, length in beside] == [(200_000, 200_000), (450_000, 200_000), (900_000, 100_000)]


def test_a_statement_is_never_drawn_inside_of_somebody_elses_request(server: Report) -> None:
    requests = (request(1, 0.0, 0.1), request(2, 0.1, 0.5))
    found = tracks(events(server, timed(sql(1, 0.2, 0.1), requests=requests)))
    assert [name for name, _, _ in found["101 requests, track 1"]] == ["GET /orders/<int:id>"] * 2
    assert [name for name, _, _ in found["101 beside or outside of requests, track 1"]] == ["SELECT ?"]


def test_processes_have_tracks_of_their_own_and_the_clients_too(server: Report) -> None:
    sent = Request("GET /orders/3", 0.0, 0.2, 200)
    found = events(server, timed(requests=(sent, request(1, 0.0, 0.1), request(1, 0.0, 0.1, process=2))))
    assert set(tracks(found)) == {"101 requests, track 1", "102 requests, track 1", "103 requests, track 1"}
    processes = {event["pid"]: event["args"]["name"] for event in found if event["name"] == "process_name"}
    assert processes == {101: "python 1", 102: "python 2", 103: "clients (perfkit --load)"}
    numbers = [event["tid"] for event in found if event["name"] == "thread_name"]
    assert len(set(numbers)) == 3


def test_memory_is_a_counter(server: Report) -> None:
    recording = replace(timed(requests=(request(1, 0.0, 0.1),)), memory=(MemoryUse(0.25, 2, 5_000_000, None),))
    counted = [event for event in events(server, recording) if event["ph"] == "C"]
    assert counted == [{"ph": "C", "name": "resident memory", "pid": 102, "ts": 250_000, "args": {"bytes": 5_000_000}}]


def test_times_are_whole_and_what_has_none_is_left_out(server: Report) -> None:
    nan, inf = float("nan"), float("inf")
    odd = (sql(1, nan, 0.1), sql(1, 0.1, inf), sql(1, 0.1, 1e-9), sql(1, -1e-7, 0.01))
    found = [event for event in events(server, timed(*odd, requests=(request(1, inf, 0.1),))) if event["ph"] == "X"]
    assert [(event["ts"], event["dur"]) for event in found] == [(0, 9999), (100_000, 0)]


def test_long_statements_are_short_names_and_whole_details(server: Report) -> None:
    text = "SELECT " + "a, " * 80 + "b FROM t"
    (event,) = [event for event in events(server, timed(sql(0, 0.1, 0.1, text))) if event["ph"] == "X"]
    assert len(event["name"]) == 100 and text.startswith(event["name"][:-1])
    assert event["args"]["text"] == text


def test_other_spans_say_what_they_are(server: Report) -> None:
    kinds = {"gc": "garbage collection", "block": "time.sleep", "connect": "sqlite3", "json": "flask json"}
    spans = tuple(
        (Span(1, 0, kind, 0, 0, number / 10, 0.01, 2), text, "orders@shop.py:5")  # type: ignore[arg-type]
        for number, (kind, text) in enumerate(kinds.items())
    )
    found = {e["cat"]: (e["name"], e["args"]) for e in events(server, timed(*spans)) if e["ph"] == "X"}
    assert {kind: name for kind, (name, _) in found.items()} == {
        "gc": "garbage collection",
        "block": "time.sleep",
        "connect": "open a connection: sqlite3",
        "json": "encode a response: flask json",
    }
    assert found["gc"][1]["generation"] == 2 and found["json"][1]["bytes"] == 2


def test_hostile_text_is_harmless(server: Report) -> None:
    attack = "</script>\x1b[31m\r\n\u202e"
    recording = timed(sql(1, 0.1, 0.1, attack), requests=(replace(request(1, 0.0, 0.5), endpoint=attack),))
    names = [event["name"] for event in events(server, recording) if event["ph"] == "X"]
    assert names == ["</script>\\x1b[31m\\r\\n\\u202e"] * 2


def test_without_the_recording_or_without_times_it_says_what_to_do(server: Report) -> None:
    with pytest.raises(PerfkitError, match="single requests") as failure:
        FORMATS.load("chrome")(server, RenderOptions())
    assert "perfkit report" in failure.value.hint
    with pytest.raises(PerfkitError, match="times none") as failure:
        FORMATS.load("chrome")(server, RenderOptions(recording=timed()))
    assert "--load" in failure.value.hint


@st.composite
def slices(draw: st.DrawFn) -> list[Slice]:
    """Few microseconds, so that edges meet: requests, and spans that may lie anywhere."""
    moments, lengths = st.integers(0, 30), st.integers(0, 12)
    found = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(moments)
        found.append(Slice(f"request {number}", start, start + draw(lengths), "request", {}, number, True))
    for number in range(draw(st.integers(0, 10))):
        start = draw(moments)
        owner = draw(st.none() | st.integers(0, 5))
        found.append(Slice(f"span {number}", start, start + draw(lengths), "sql", {}, owner))
    return found


@given(slices())
def test_whatever_overlaps_every_track_is_a_tree(given_slices: list[Slice]) -> None:
    lanes: defaultdict[tuple[bool, int], list[Slice]] = defaultdict(list)
    for lane, found in Lanes().place(given_slices):
        lanes[lane.beside, lane.number].append(found)
    assert sorted(s.name for lane in lanes.values() for s in lane) == sorted(s.name for s in given_slices)
    for (beside, _), lane in lanes.items():
        around: list[Slice] = []
        for found in lane:
            while around and around[-1].end <= found.start:
                around.pop()
            if around:
                assert found.end <= around[-1].end
                assert not beside and not found.is_owner and found.owner == around[0].owner
            around.append(found)
