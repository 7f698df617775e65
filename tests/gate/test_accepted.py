"""Slowdowns that are meant: up to what was accepted, and until the baseline has the entry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from git_repositories import Repository
from perfkit.errors import PerfkitError
from perfkit.gate import accepted
from perfkit.model.gate import Accepted, Breach

QUERIES = Breach("GET /a", "queries", "GET /a runs 9 queries", "+0", 8, 9, "GET /a queries")
CPU = Breach("GET /a", "cpu", "GET /a takes 20% more", "+2%", 0.010, 0.012, "GET /a cpu")


@pytest.mark.parametrize(("breach", "more"), [(QUERIES, 10.0), (CPU, 0.0125)])
def test_up_to_what_was_accepted(breach: Breach, more: float) -> None:
    entry = accepted.entry(breach, "worth it")
    assert accepted.split([breach], [entry]).left == ()
    assert accepted.split([breach], [entry]).accepted[0].reason == "worth it"
    assert accepted.split([replace(breach, current=more)], [entry]).left != ()
    assert accepted.split([replace(breach, key="GET /b queries")], [entry]).left != ()


def test_what_was_merged_is_history(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    first = repository.commit("One")
    accepted.add(tmp_path, [Accepted("GET /a queries", 9, 'it says "hello"\n# and [[this]] \x7f')])
    (entry,) = accepted.since(tmp_path, first)
    assert entry.reason == 'it says "hello"\n# and [[this]] \x7f'
    second = repository.commit("Accepted")
    assert accepted.since(tmp_path, second) == ()
    assert accepted.since(tmp_path, first) == (entry,)
    assert accepted.since(tmp_path, None) == (entry,)


def test_what_stands_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / accepted.FILE
    path.write_text("# ours\n[[accepted]]\nkey = 'old'\nlimit = 1\nreason = 'r'  # why\n")
    accepted.add(tmp_path, [Accepted("new", 2, "s"), Accepted("old", 1, "r")])
    text = path.read_text()
    assert text.startswith("# ours\n[[accepted]]\nkey = 'old'\nlimit = 1\nreason = 'r'  # why\n")
    assert text.count("[[accepted]]") == 2


@pytest.mark.parametrize(
    "text", ["[[accepted", "accepted = 3", "[[accepted]]\nkey = 'a'\nreason = 'b'", "accepted = [1]"]
)
def test_a_damaged_file(tmp_path: Path, text: str) -> None:
    (tmp_path / accepted.FILE).write_text(text)
    with pytest.raises(PerfkitError, match="is damaged") as caught:
        accepted.since(tmp_path, None)
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / accepted.FILE).write_bytes(b"\xff")
    for use in (lambda: accepted.since(tmp_path, None), lambda: accepted.add(tmp_path, [])):
        with pytest.raises(PerfkitError, match="cannot be read"):
            use()
