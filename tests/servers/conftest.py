"""Servers under perfkit's own load, each measured for a few seconds through the installed command."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from perfkit_command import Here, kill_all


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    place = Here(tmp_path)
    yield place
    for popen in place.started:
        kill_all(popen.pid)
        popen.wait()
