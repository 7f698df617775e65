"""The interpreters that the probe must work in, and a target's environment with the probe in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from perfkit_command import Here, Terminal, interpreter, kill_all

# 3.10 is between two that are here, and nothing that the probe touches changed in it alone. 3.11 is `some_python`, and what most
# tests outside of this folder run on.
VERSIONS = ("3.9", "3.12", "3.13", "3.14")


@pytest.fixture(params=VERSIONS)
def python(request: pytest.FixtureRequest) -> str:
    return interpreter(request.param)


@pytest.fixture(params=("3.9", "3.11", "3.13"))
def some_python(request: pytest.FixtureRequest) -> str:
    """Three versions are enough for what takes a second: cProfile changed with 3.12, pyinstrument is built for each."""
    return interpreter(request.param)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    folder = tmp_path / "project"
    folder.mkdir()
    place = Here(folder)
    yield place
    for popen in place.started:
        kill_all(popen.pid)
        popen.communicate()


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def begin(words: Sequence[str], folder: Path, **environment: str) -> Terminal:
        opened.append(Terminal(words, folder, **environment))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()
