"""A possessive group stops where its last whole round did, in the form that every Python reads rightly too."""

from __future__ import annotations

import re

import pytest

from perfkit.collectors.sqllog import possessive


@pytest.mark.parametrize(
    "sound",
    [pytest.param(True, marks=pytest.mark.skipif(not possessive._SOUND, reason="this Python reads it wrongly")), False],
)
def test_a_round_that_fails_takes_nothing(sound: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(possessive, "_SOUND", sound)
    lines = re.compile(rb"a" + possessive.possessive(rb"\n(?!#)[^\n]*+"))
    found = lines.match(b"a\nb\nc\n#d")
    assert found is not None and found[0] == b"a\nb\nc"
    pair = re.compile(possessive.possessive(rb"a(?!c).", b"{1,2}") + rb"(.*)")
    found = pair.match(b"abacab")
    assert found is not None and found[1] == b"acab"
    assert re.match(possessive.possessive(b"a") + b"a", b"aaa") is None
