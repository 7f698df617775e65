"""Exports by the command line: the suffix chooses, bytes go into files and pipes as they are, and never to a terminal."""

from __future__ import annotations

import gzip
import json
import marshal
from pathlib import Path

import pytest

from perfkit.model.memory import LineTime, MemoryUse
from perfkit.model.recording import Recording, Request
from perfkit.recordings.writer import Writer
from perfkit_command import CONSOLE_SCRIPT, Here, Terminal
from recordings_from_text import recording_of


def write(recording: Recording, path: Path) -> None:
    writer = Writer(path, recording.run)
    for process in recording.processes:
        writer.process(process)
    for thread in recording.threads:
        writer.thread(thread)
    for window in recording.windows:
        samples = [sample for sample in recording.samples if sample.window == window.id]
        of_writer = [writer.intern(recording.stacks.expand(sample.stack)) for sample in samples]
        rows = [type(s)(s.window, s.thread, stack, s.n, s.seconds) for s, stack in zip(samples, of_writer, strict=True)]
        writer.window(window, rows, ())
    writer.requests([Request("GET /orders", 0.1, 0.2, 200, "probe", 1, 1, "wsgi")])
    writer.lines([LineTime(1, "orders", "/proj/shop.py", 4, 2, 5, 2, 0.25)])
    writer.memory([MemoryUse(0.5, 1, 50_000_000, None), MemoryUse(0.9, 1, 60_000_000, None)])
    writer.seal(recording.run)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Here:
    folder = tmp_path_factory.mktemp("project")
    write(recording_of("flask>; orders@shop.py:5 100"), folder / "shop.perfkit")
    return Here(folder)


BEGINNINGS = {
    "a.prof": b"{",  # a dictionary, as marshal writes it
    "a.pstats": b"{",
    "a.pb.gz": b"\x1f\x8b",
    "a.trace.json": b'{"displayTimeUnit"',
    "a.firefox.json": b'{"meta"',
    "a.lprof.txt": b"Timer unit: 1e-06 s\n",
    "a.dat": b"CMDLINE python main.py\nMEM 47.683716 ",
}


@pytest.mark.parametrize("name", BEGINNINGS)
def test_the_suffix_of_the_file_decides(here: Here, name: str) -> None:
    done = here("report", "shop.perfkit", "-o", name)
    assert (done.code, done.err) == (0, f"perfkit  wrote {name}\n")
    assert (here.folder / name).read_bytes().startswith(BEGINNINGS[name])


@pytest.mark.parametrize(("format", "name"), [("pstats", "a.prof"), ("pprof", "a.pb.gz"), ("chrome", "a.trace.json")])
def test_a_pipe_gets_what_a_file_gets(here: Here, format: str, name: str) -> None:
    here("report", "shop.perfkit", "-o", name)
    piped = here("report", "shop.perfkit", "--format", format)
    assert piped.code == 0 and piped.out == (here.folder / name).read_bytes()
    assert here("report", "shop.perfkit", "--format", format, "-o", "-").out == piped.out


def test_the_bytes_arrive_whole(here: Here) -> None:
    marshal.loads(here("report", "shop.perfkit", "-f", "pstats").out)
    gzip.decompress(here("report", "shop.perfkit", "-f", "pprof").out)
    json.loads(here("report", "shop.perfkit", "-f", "chrome").out)


@pytest.mark.parametrize(
    ("format", "suffix"),
    [("pstats", ".prof"), ("pprof", ".pb.gz"), ("chrome", ".trace.json"), ("firefox", ".firefox.json")],
)
def test_what_nobody_reads_on_a_terminal_becomes_a_file(here: Here, format: str, suffix: str) -> None:
    shown = Terminal([str(CONSOLE_SCRIPT), "report", "shop.perfkit", "--format", format], here.folder)
    assert shown.end() == 0
    assert shown.shown == f"perfkit  wrote shop{suffix}\r\n"
    assert (here.folder / f"shop{suffix}").stat().st_size > 80


@pytest.mark.parametrize("words", [("report", "shop.perfkit", "-o", "-", "-f", "pprof")])
def test_a_terminal_that_is_asked_to_show_bytes_refuses(here: Here, words: tuple[str, ...]) -> None:
    shown = Terminal([str(CONSOLE_SCRIPT), *words], here.folder)
    assert shown.end() == 2
    assert "binary" in shown.shown and "give a file with -o" in shown.shown
    assert "\x1f" not in shown.shown


def test_an_export_beside_the_recording_is_its_owners_alone(here: Here) -> None:
    here("report", "shop.perfkit", "-o", "private.prof")
    assert (here.folder / "private.prof").stat().st_mode & 0o777 == 0o600
    (here.folder / "public").mkdir(exist_ok=True)
    here("report", "shop.perfkit", "-o", "public/a.prof")
    assert (here.folder / "public/a.prof").stat().st_mode & 0o044 == 0o044


@pytest.mark.parametrize(
    ("format", "option"), [("lprof", "--lines"), ("mprof", "--memory"), ("chrome", "--load"), ("pstats", "again")]
)
def test_what_was_not_measured_is_named_with_the_option_that_measures_it(
    tmp_path: Path, format: str, option: str
) -> None:
    Writer(tmp_path / "nothing.perfkit", recording_of("").run).seal(recording_of("").run)
    said = Here(tmp_path)("report", "nothing.perfkit", "--format", format, "-o", "out").error(125)
    assert option in said
    assert not (tmp_path / "out").exists()
