"""mprof: memory_profiler's own reader and `mprof peak` on the file."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.growth import ProcessMemory
from perfkit.model.recording import Process
from perfkit.model.report import Report
from perfkit.reports import FORMATS, RenderOptions

MIB = 2**20


@pytest.fixture
def mprof() -> Any:
    return pytest.importorskip("mprof", reason="memory_profiler is not installed")


@pytest.fixture
def followed(server: Report, hostile: Report) -> Report:
    """A server and its worker, which has its peak between two of the readings that were kept."""
    memory = hostile.analysis.memory
    assert memory is not None
    (plain,) = memory.processes
    master = ProcessMemory(
        1,
        811,
        "gunicorn: master",
        30 * MIB,
        31 * MIB,
        31 * MIB,
        2.0,
        None,
        ((0.0, 30 * MIB), (2.0, 31 * MIB)),
        None,
        0,
        {},
    )
    worker = replace(
        plain, command="gunicorn: worker", readings=((0.5, 40 * MIB), (1.5, 50 * MIB)), peak=90 * MIB, peak_at=1.0
    )
    processes = tuple(
        Process(id, pid, parent, "gunicorn", "3.12", 0.0) for id, pid, parent in ((2, 812, 811), (1, 811, 1))
    )
    analysis = replace(server.analysis, memory=replace(memory, processes=(worker, master)), processes=processes)
    return replace(server, analysis=analysis)


def written(report: Report, folder: Path) -> str:
    text = FORMATS.load("mprof")(report, RenderOptions())
    assert isinstance(text, str) and text == FORMATS.load("mprof")(report, RenderOptions())
    (folder / "shop.dat").write_text(text, encoding="utf-8")
    return str(folder / "shop.dat")


def test_mprof_reads_readings_of_the_first_process_and_of_its_children(
    mprof: Any, followed: Report, tmp_path: Path
) -> None:
    read = mprof.read_mprofile_file(written(followed, tmp_path))
    started = followed.analysis.run.started
    assert read["cmd_line"] == "gunicorn shop.wsgi -w 4\n"
    assert read["mem_usage"] == [30.0, 31.0]
    assert read["timestamp"] == pytest.approx([started, started + 2.0], abs=1e-3)
    assert read["children"] == {
        "812": [
            (40.0, pytest.approx(started + 0.5, abs=1e-3)),
            (90.0, pytest.approx(started + 1.0, abs=1e-3)),
            (50.0, pytest.approx(started + 1.5, abs=1e-3)),
        ]
    }


def test_mprof_peak_prints_the_peaks(
    mprof: Any, followed: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mprof", written(followed, tmp_path)])
    mprof.peak_action()
    assert capsys.readouterr().out.split()[1:] == ["31.000", "MiB", "Child", "812", "90.000", "MiB"]


def test_lines_come_by_time(followed: Report, tmp_path: Path) -> None:
    head, *lines = Path(written(followed, tmp_path)).read_text().splitlines()
    assert head.startswith("CMDLINE ")
    times = [float(line.rpartition(" ")[2]) for line in lines]
    assert times == sorted(times) and len(times) == 5


def test_a_hostile_command_is_one_line(mprof: Any, hostile: Report, tmp_path: Path) -> None:
    read = mprof.read_mprofile_file(written(hostile, tmp_path))
    assert len(read["mem_usage"]) == 241 and not read["children"]
    assert max(read["mem_usage"]) == pytest.approx(90_000_000 / MIB, abs=1e-5)
    assert "\\x1b" in read["cmd_line"] and "\x1b" not in read["cmd_line"]


def test_without_readings_it_says_what_reads_them(server: Report) -> None:
    with pytest.raises(PerfkitError, match="no readings") as failure:
        FORMATS.load("mprof")(server, RenderOptions())
    assert "--memory" in failure.value.hint
