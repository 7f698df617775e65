"""Making, keeping and failing to write a recording."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from recording_cases import GAP, MAIN, PROCESS, REQUESTS, RUN, THREADS, WINDOW, write_everything

from perfkit.errors import PerfkitError
from perfkit.model.recording import Frame, Request, Sample
from perfkit.recordings import Writer, load


def refusal(path: Path, overwrite: bool = False) -> PerfkitError:
    with pytest.raises(PerfkitError) as caught:
        Writer(path, RUN, overwrite)
    assert caught.value.exit_code == 125
    assert caught.value.hint
    return caught.value


def test_an_existing_recording_stays_unless_told_otherwise(recording: Path) -> None:
    before = recording.read_bytes()
    assert "already exists" in refusal(recording).message
    assert recording.read_bytes() == before
    Writer(recording, RUN, overwrite=True).seal(RUN)
    assert load(recording).processes == ()


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_not_a_recording_is_never_overwritten(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert "is not a perfkit recording" in refusal(path, overwrite).message
    assert path.read_text() == "mine"
    assert "is a folder" in refusal(tmp_path, overwrite).message
    assert "is not a perfkit recording" in refusal(Path(os.devnull), overwrite).message


def test_a_recording_in_progress_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    assert "being written" in refusal(path, overwrite=True).message
    writer.gap(GAP)
    writer.seal(RUN)
    assert load(path).gaps == (GAP,)


def test_an_empty_file_is_taken_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    path.touch(0o644)
    Writer(path, RUN).seal(RUN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load(path).run.sealed


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert "is not a perfkit recording" in refusal(tmp_path / "link").message
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_folder(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none" / "a.perfkit")
    assert "does not exist" in error.message
    assert "mkdir" in error.hint


def test_a_read_only_folder(plain_user: Path) -> None:
    plain_user.chmod(0o500)
    assert "not allowed to write" in refusal(plain_user / "a.perfkit").message


def test_a_folder_that_becomes_read_only(plain_user: Path) -> None:
    path = plain_user / "a.perfkit"
    writer = Writer(path, RUN)
    plain_user.chmod(0o500)
    with pytest.raises(PerfkitError, match="not allowed to write"):
        writer.gap(GAP)
    plain_user.chmod(0o700)
    assert load(path).gaps == ()


def test_what_was_not_committed_is_dropped_at_close(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.requests(REQUESTS)
    writer.commit()
    writer.gap(GAP)
    writer.close()
    writer.close()
    found = load(path)
    assert (found.requests, found.gaps, found.run.sealed) == (REQUESTS, (), False)


def test_threads_may_share_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "a.perfkit"
    writer = Writer(path, RUN)
    writer.process(PROCESS)
    writer.thread(THREADS[0])

    def sample(number: int) -> None:
        stack = writer.intern((MAIN, Frame(f"f{number % 7}", "/x.py", number, "app")))
        writer.window(replace(WINDOW, id=number), [Sample(number, 1, stack, 1, 0.5)], ())
        writer.requests([Request(f"GET /{number}", 0.0, 0.1, 200)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sample, range(1, 101)))
    writer.seal(RUN)
    found = load(path)
    lines = {row.window: found.stacks.expand(row.stack)[-1].line for row in found.samples}
    assert lines == {number: number for number in range(1, 101)}
    assert len(found.requests) == 100


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_keeps_what_was_committed(tiny_disk: Path) -> None:
    path = tiny_disk / "a.perfkit"
    writer = Writer(path, RUN)
    committed = 0
    with pytest.raises(PerfkitError) as caught:
        for number in range(1000):
            writer.requests([Request(f"GET /{number}/{n}", 0.0, 0.1, 200) for n in range(100)])
            writer.commit()
            committed += 100
    assert caught.value.message.startswith("the disk is full: ")
    assert "-o" in caught.value.hint
    assert committed
    with pytest.raises(PerfkitError, match="the disk is full"):
        writer.seal(RUN)
    found = load(path)
    assert len(found.requests) == committed
    assert not found.run.sealed
    assert [entry.name for entry in tiny_disk.iterdir()] == ["a.perfkit"]


def test_a_disk_that_is_full_from_the_start(tiny_disk: Path) -> None:
    with pytest.raises(OSError), (tiny_disk / "ballast").open("wb", buffering=0) as ballast:
        while ballast.write(b"\0" * 4096):
            pass
    assert "the disk is full" in refusal(tiny_disk / "a.perfkit").message


def test_every_noun_survives_another_writer_s_failure(tmp_path: Path, tiny_disk: Path) -> None:
    doomed = Writer(tiny_disk / "a.perfkit", RUN)
    with pytest.raises(PerfkitError):
        doomed.requests(Request("GET /" + "x" * 5000, 0.0, 0.1, 200) for _ in range(1000))
        doomed.commit()
    write_everything(tmp_path / "b.perfkit")
    assert load(tmp_path / "b.perfkit").run.sealed
