"""Disks that are full, folders that are closed, files that are no recordings: said in one line, nothing half-written."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perfkit.recordings.schema import SCHEMA_VERSION
from perfkit_command import Here, Ordinary, program


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Here]]:
    """A place on a file system of its own with so many bytes left."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")

    def with_room(size: int) -> Here:
        free = shutil.disk_usage(folder).free
        (folder / "ballast").write_bytes(bytes(free - size))
        return Here(folder)

    yield with_room
    subprocess.run(["umount", "--lazy", folder], check=True)


def leftovers(place: Here) -> list[str]:
    return sorted(path.name for path in (place.folder / ".perfkit").glob("[!.]*"))


def test_a_disk_that_is_full_at_the_start(small_disk: Callable[[int], Here]) -> None:
    place = small_disk(20_000)
    ended = place.run(*program("computes.py"))
    assert "the disk is full" in ended.error(125)
    assert ended.text == "", "the target was not started"
    assert leftovers(place) == []


def test_a_disk_that_fills_while_measuring(small_disk: Callable[[int], Here]) -> None:
    place = small_disk(165_000)
    ended = place.run(*program("speaks.py"), "0")
    assert "the disk is full" in ended.error(125)
    assert ended.text.endswith("['0'] \n"), "the target ran to its end"
    assert "Nothing was measured" not in ended.err
    assert leftovers(place) == []


def test_the_html_report_cannot_be_written(here: Here) -> None:
    (here.folder / "x.html").mkdir()
    ended = here.run(*program("computes.py"), options=["-o", "x.perfkit"])
    assert ended.code == 0, ended.err
    assert "x.html cannot be written" in ended.err
    assert "compute()" in ended.err, "the report is shown all the same"
    assert here("report", "x.perfkit").code == 0


def test_a_folder_that_cannot_be_written(ordinary: Ordinary) -> None:
    ordinary.folder.chmod(0o500)
    script = f"{ordinary.root}/programs/computes.py"
    said = ordinary("run", "--", ordinary.python, script).error(125)
    assert f"not allowed to write {ordinary.folder}/.perfkit" in said
    assert "-o FILE" in said
    elsewhere = ordinary("run", "-o", "/etc/x.perfkit", "--", ordinary.python, script)
    assert "/etc/x.perfkit" in elsewhere.error(125)


def test_a_file_where_the_folder_should_be(here: Here) -> None:
    (here.folder / ".perfkit").write_text("mine")
    ended = here.run(*program("computes.py"))
    assert ".perfkit is a file" in ended.error(125)
    assert ended.text == ""
    assert (here.folder / ".perfkit").read_text() == "mine"


def test_a_place_for_the_recording_that_is_none(here: Here) -> None:
    (here.folder / "notes.txt").write_text("mine")
    for place, said in (
        ("no/such/folder/x.perfkit", "the folder no/such/folder does not exist"),
        ("notes.txt", "exists and is not a perfkit recording"),
        (".", "is a folder"),
    ):
        ended = here.run(*program("computes.py"), options=["-o", place])
        assert said in ended.error(125)
        assert ended.text == ""
    assert (here.folder / "notes.txt").read_text() == "mine"


def test_a_recording_is_not_written_over(here: Here) -> None:
    assert here.run(*program("computes.py"), options=["-o", "x.perfkit"]).code == 0
    before = (here.folder / "x.perfkit").read_bytes()
    assert "x.perfkit already exists" in here.run(*program("computes.py"), options=["-o", "x.perfkit"]).error(125)
    assert (here.folder / "x.perfkit").read_bytes() == before


def test_recordings_that_cannot_be_read(here: Here) -> None:
    assert "there is no recording in" in here("report").error(125)
    assert here.run(*program("computes.py"), options=["-o", "good.perfkit"]).code == 0
    good = (here.folder / "good.perfkit").read_bytes()
    (here.folder / "empty.perfkit").write_bytes(b"")
    (here.folder / "cut.perfkit").write_bytes(good[: len(good) // 2])
    (here.folder / "other.perfkit").write_bytes(b"PK\x03\x04 an archive")
    shutil.copy(here.folder / "good.perfkit", here.folder / "newer.perfkit")
    sqlite3.connect(here.folder / "other.sqlite").execute("CREATE TABLE t (a)").connection.close()
    with sqlite3.connect(here.folder / "newer.perfkit") as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    for name, said in (
        ("empty.perfkit", "is damaged"),
        ("cut.perfkit", "is damaged"),
        ("other.perfkit", "is not a perfkit recording"),
        ("other.sqlite", "is not a perfkit recording"),
        ("newer.perfkit", "was written by a newer perfkit"),
        (".", "there is no recording named ."),
        ("missing.perfkit", "there is no recording named missing.perfkit"),
    ):
        ended = here("report", name, "--format", "json")
        assert said in ended.error(ended.code), name
        assert ended.code in (2, 125)
        assert ended.text == ""


def test_a_report_that_cannot_be_written(here: Here) -> None:
    assert here.run(*program("computes.py")).code == 0
    (here.folder / "kept.html").symlink_to("real.html")
    assert here("report", "-f", "html", "-o", "kept.html").code == 0
    assert (here.folder / "kept.html").is_symlink()
    assert "cannot be written" in here("report", "-f", "html", "-o", "no/folder/x.html").error(125)
    assert "cannot be written" in here("report", "-f", "html", "-o", ".").error(125)
    assert not list(here.folder.glob(".*.part"))
