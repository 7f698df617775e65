"""pprof: the file taken apart by the rules of profile.proto, and shown by pprof itself where Go is there."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions, pprof_wire

Value = int | bytes


def varints(content: bytes) -> list[int]:
    found, value, shift = [], 0, 0
    for byte in content:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            found.append(value)
            value, shift = 0, 0
    assert shift == 0, "a number has no end"
    return found


def fields(content: bytes) -> Iterator[tuple[int, Value]]:
    at = 0

    def number() -> int:
        nonlocal at
        first = at
        while content[at] & 0x80:
            at += 1
        at += 1
        return varints(content[first:at])[0]

    while at < len(content):
        key = number()
        assert key & 7 in (0, 2), "a type that profile.proto does not have"
        if key & 7 == 0:
            yield key >> 3, number()
        else:
            length = number()
            assert at + length <= len(content)
            yield key >> 3, content[at : at + length]
            at += length


class Message:
    """Of one kind of message all that is known: its fields by number."""

    def __init__(self, content: Value) -> None:
        assert isinstance(content, bytes)
        self._fields = list(fields(content))

    def all(self, field: int) -> list[Value]:
        return [value for number, value in self._fields if number == field]

    def number(self, field: int) -> int:
        (value,) = self.all(field) or [0]
        assert isinstance(value, int)
        return value

    def numbers(self, field: int) -> list[int]:
        return [number for value in self.all(field) if isinstance(value, bytes) for number in varints(value)]

    def messages(self, field: int) -> list[Message]:
        return [Message(value) for value in self.all(field)]


class Profile:
    """Sums by stack, leaf first, of (function, file, line); labels and types as text."""

    def __init__(self, content: str | bytes) -> None:
        assert isinstance(content, bytes)
        whole = Message(gzip.decompress(content))
        self.whole = whole
        self.strings = [value.decode() for value in whole.all(6) if isinstance(value, bytes)]
        self.types = [(self.text(kind, 1), self.text(kind, 2)) for kind in whole.messages(1)]
        functions = {each.number(1): (self.text(each, 2), self.text(each, 4)) for each in whole.messages(5)}
        places = {}
        for location in whole.messages(4):
            (line,) = location.messages(4)
            places[location.number(1)] = (*functions[line.number(1)], line.number(2))
        assert 0 not in places and 0 not in functions
        self.samples = [
            (
                [places[number] for number in sample.numbers(1)],
                sample.numbers(2),
                {self.text(label, 1): self.text(label, 2) for label in sample.messages(3)},
            )
            for sample in whole.messages(2)
        ]

    def text(self, message: Message, field: int) -> str:
        return self.strings[message.number(field)]


def rendered(report: Report) -> Profile:
    content = FORMATS.load("pprof")(report, RenderOptions())
    assert content == FORMATS.load("pprof")(report, RenderOptions())
    return Profile(content)


# The examples of https://protobuf.dev/programming-guides/encoding/, and the ends of a byte.
@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (150, "9601"),
        (300, "ac02"),
        (2**63 - 1, "ff" * 8 + "7f"),
        (-2, "fe" + "ff" * 8 + "01"),
    ],
)
def test_numbers_are_varints(value: int, encoded: str) -> None:
    assert pprof_wire.varint(value).hex() == encoded


def test_fields_are_those_of_the_guide() -> None:
    assert pprof_wire.number(1, 150).hex() == "089601"
    assert pprof_wire.block(2, b"testing").hex() == "120774657374696e67"
    assert pprof_wire.numbers(6, (3, 270, 86942)).hex() == "3206038e029ea705"
    assert pprof_wire.number(1, 0) == pprof_wire.numbers(1, ()) == b""


def test_samples_are_looks_and_nanoseconds(server: Report) -> None:
    profile = rendered(server)
    assert profile.types == [("samples", "count"), ("wall", "nanoseconds")]
    assert profile.strings[0] == "" and len(set(profile.strings)) == len(profile.strings)
    assert sum(values[0] for _, values, _ in profile.samples) == server.analysis.samples
    assert sum(values[1] for _, values, _ in profile.samples) == round(server.analysis.measured * 1e9)
    stack, values, labels = profile.samples[0]
    assert stack == [
        ("ForwardManyToOneDescriptor.__get__", "django/db/models/fields/related.py", 260),
        ("orders", "shop/views.py", 35),
        ("main", "manage.py", 12),
    ]
    assert (values, labels) == ([1100, 5_500_000_000], {"state": "running"})


def test_it_says_when_and_what(server: Report) -> None:
    profile = rendered(server)
    run, whole = server.analysis.run, profile.whole
    assert whole.number(9) == round(run.started * 1e9) and whole.number(10) == round(run.duration * 1e9)
    assert profile.strings[whole.number(14)] == "wall"
    assert whole.number(12) == 5_000_000
    comments = [profile.strings[number] for number in whole.numbers(13)]
    assert comments == ["gunicorn shop.wsgi -w 4", "perfkit 0.1.0, request-seconds"]


def test_endpoints_and_states_are_labels(server: Report) -> None:
    times = tuple(replace(time, endpoint="GET /orders", state="lock") for time in server.analysis.times[:1])
    profile = rendered(replace(server, analysis=replace(server.analysis, times=times)))
    assert [labels for _, _, labels in profile.samples] == [{"state": "lock", "endpoint": "GET /orders"}]


def test_routes_and_statements_have_no_file_and_each_stack_has_a_frame(probed: Report) -> None:
    profile = rendered(probed)
    assert all(stack for stack, _, _ in profile.samples)
    stacks = [[name for name, _, _ in stack] for stack, _, _ in profile.samples]
    assert ["select id, name from customer where id = ?", "orders", "GET /orders/<int:id>"] in stacks
    assert not any("<sql>" in text or "<perfkit>" in text or text.startswith("route:") for text in profile.strings)


def test_a_request_of_which_nothing_was_sampled_is_called_so(server: Report) -> None:
    times = (replace(server.analysis.times[0], stack=0),)
    profile = rendered(replace(server, analysis=replace(server.analysis, times=times)))
    assert [stack for stack, _, _ in profile.samples] == [[("(request)", "", 0)]]


def test_hostile_text_is_harmless(hostile: Report) -> None:
    assert not {"\x1b", "\r", "\n", "\u202e"} & set("".join(rendered(hostile).strings))


def test_what_has_no_stacks_is_refused(server: Report, deterministic: Report) -> None:
    nothing = replace(server, analysis=replace(server.analysis, times=()))
    with pytest.raises(PerfkitError, match="no samples"):
        FORMATS.load("pprof")(nothing, RenderOptions())
    edges = replace(deterministic, analysis=replace(deterministic.analysis, times=server.analysis.times))
    with pytest.raises(PerfkitError, match="cProfile") as failure:
        FORMATS.load("pprof")(edges, RenderOptions())
    assert "py-spy" in failure.value.hint


@pytest.mark.skipif(shutil.which("go") is None, reason="Go's pprof is not here")
def test_pprof_shows_it(probed: Report, tmp_path: Path) -> None:
    content = FORMATS.load("pprof")(probed, RenderOptions())
    assert isinstance(content, bytes)
    (tmp_path / "shop.pb.gz").write_bytes(content)
    command = ["go", "tool", "pprof", "-top", "-nodefraction=0", "shop.pb.gz"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "Type: wall" in shown and "100% of 10000ms total" in shown
    rows = [line.split(maxsplit=5) for line in shown.splitlines()]
    seconds = {row[5]: row[0] for row in rows if len(row) == 6}
    assert seconds["select id, name from customer where id = ?"] == "6000ms"
    assert seconds["GET /orders/<int:id>"] == "0"
