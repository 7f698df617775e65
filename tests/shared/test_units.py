"""Numbers as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.shared import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0381, "38.1 ms"),
        (0.4249, "425 ms"),
        (0.9996, "1.00 s"),
        (1.0, "1.00 s"),
        (2.345, "2.35 s"),
        (75.4, "75.4 s"),
        (200.0, "3 min 20 s"),
        (179.7, "3 min 0 s"),
        (3600.0, "60 min 0 s"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    shown = units.seconds(value)
    number, unit = shown.split(" ", 1)
    expected, expected_unit = text.split(" ", 1)
    assert unit == expected_unit
    assert float(number) == float(expected)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0%"), (0.004, "0.4%"), (0.069, "6.9%"), (0.0996, "10%"), (0.65, "65%"), (1.0, "100%")]
)
def test_share(value: float, text: str) -> None:
    assert units.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (62e6, "62 MB"), (2.4e9, "2.4 GB"), (3e12, "3000 GB")],
)
def test_size(value: float, text: str) -> None:
    assert units.size(value) == text


@pytest.mark.parametrize(
    ("n", "noun", "text"),
    [(1, "request", "1 request"), (1712, "request", "1,712 requests"), (2, "process", "2 processes"), (0, "look", "0 looks")],
)  # fmt: skip
def test_plural(n: int, noun: str, text: str) -> None:
    assert units.plural(n, noun) == text


def in_seconds(text: str) -> float:
    minutes = re.fullmatch(r"(\d+) min (\d+) s", text)
    if minutes:
        assert int(minutes[2]) < 60
        return int(minutes[1]) * 60 + int(minutes[2])
    number, unit = text.split(" ")
    return float(number) * {"s": 1.0, "ms": 1e-3}[unit]


@given(st.floats(0, 1e6))
def test_seconds_say_the_value_to_their_digits(value: float) -> None:
    text = units.seconds(value)
    assert "e" not in text.partition(" ")[0] or value < 1e-6
    assert in_seconds(text) == pytest.approx(value, rel=0.051, abs=0.6 if value >= 120 else 1e-9)
