"""The page about the spool says what the probe packs and what perfkit unpacks: kinds, sizes, types, in their order."""

from __future__ import annotations

import re
import struct

from docs_reading import ROOT
from perfkit.collectors import probe_events

PAGE = (ROOT / "docs/reference/spool.md").read_text(encoding="utf-8")
TYPES = {"uint8": "B", "int8": "b", "uint32": "I", "int32": "i", "int64": "q", "float64": "d"}


def _fields(letter: str) -> list[tuple[str, str]]:
    section = re.split(r"^### ", PAGE, flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(f"{letter}, ")]
    return re.findall(r"^\| (\w+) \| (\w+) \|", found, flags=re.MULTILINE)[1:]


def test_the_fields_are_those_that_are_read() -> None:
    for letter, packed, noun in (
        ("S", probe_events._SPAN, probe_events.SpanEvent),
        ("R", probe_events._REQUEST, probe_events.RequestEvent),
        ("Q", probe_events._STATEMENT, None),
    ):
        said = _fields(letter)
        assert "<" + "".join(TYPES[kind] for _, kind in said) == packed.format
        assert noun is None or tuple(name for name, _ in said) == noun._fields
        assert f"| `{letter}` |" in PAGE
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{letter}` |"))
        assert row.endswith(f"| {1 + packed.size} |")


def test_the_kinds_are_in_their_order() -> None:
    after = PAGE.partition("Kinds, from 0:")[2].partition(".\n")[0]
    assert tuple(re.findall(r"`(\w+)`", after)) == probe_events.SPAN_KINDS
    requests = re.findall(r"(\d) `(\w+)`", PAGE.partition("### R")[2])
    assert requests == [(str(i), kind) for i, kind in enumerate(probe_events.REQUEST_KINDS)]


def test_a_definition_is_read_as_it_is_described() -> None:
    texts = [b"name", b"7", b"SELECT ?", b"sqlite"]
    body = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    ((event, end),) = probe_events.events(b"D" + struct.pack("<I", len(body)) + body)
    assert event == probe_events.Definition("name", ("7", "SELECT ?", "sqlite"))
    assert end == 5 + len(body)
