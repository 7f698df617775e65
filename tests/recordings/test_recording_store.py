"""The folder `.perfkit`: names, the latest, the list, pruning."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recording_cases import RUN

from perfkit.errors import USAGE, PerfkitError
from perfkit.recordings import Entry, Store, Writer
from perfkit.recordings.opening import journal_of

NOW = datetime(2026, 11, 21, 10, 6, 45, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def record(store: Store, label: str, age: timedelta = timedelta()) -> Path:
    """A sealed recording with its report beside it, made the latest."""
    path = store.new_path(label, NOW - age)
    Writer(path, RUN).seal(replace(RUN, command=label, started=(NOW - age).timestamp()))
    path.with_suffix(".html").write_text("report")
    store.set_latest(path)
    return path


def test_the_folder_is_the_owner_s_and_git_ignores_it(store: Store) -> None:
    store.create()
    store.create()
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert (store.folder / ".gitignore").read_text() == "*\n"


def test_names_are_readable_and_never_meet(store: Store) -> None:
    names = [store.new_path("gunicorn", NOW).name for _ in range(3)]
    stem = "2026-11-21T10-06-45-gunicorn"
    assert names == [f"{stem}.perfkit", f"{stem}-2.perfkit", f"{stem}-3.perfkit"]


@pytest.mark.parametrize("label", ["../../etc/passwd", "a b\n\0c", "", "…", "x" * 900, ".hidden", "-rf"])
def test_names_are_safe(store: Store, label: str) -> None:
    path = store.new_path(label, NOW)
    assert path.parent == store.folder
    assert path.is_file()
    assert path.name.isascii()
    assert path.name.isprintable()


def test_the_latest_is_a_relative_link(store: Store) -> None:
    record(store, "one")
    second = record(store, "two", -DAY)
    assert (store.folder / "latest.perfkit").readlink() == Path(second.name)
    assert store.latest() == second


def test_the_latest_without_links(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = record(store, "one")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links on this disk")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    second = record(store, "two", DAY)
    assert (store.folder / "latest").read_text() == second.name
    assert store.latest() == second
    monkeypatch.undo()
    store.set_latest(first)
    assert store.latest() == first
    assert sorted(path.name for path in store.folder.iterdir() if "latest" in path.name) == ["latest.perfkit"]


def test_the_latest_may_lie_elsewhere_or_be_gone(store: Store, tmp_path: Path) -> None:
    stored = record(store, "one")
    elsewhere = tmp_path / "o.perfkit"
    Writer(elsewhere, RUN).seal(RUN)
    store.set_latest(elsewhere)
    assert store.latest() == elsewhere
    elsewhere.unlink()
    assert store.latest() == stored


def test_no_recording_yet(store: Store) -> None:
    assert store.entries() == []
    for name in (None, "latest"):
        with pytest.raises(PerfkitError, match="no recording in") as caught:
            store.resolve(name)
        assert "perfkit run --" in caught.value.hint


def test_entries_are_newest_first_and_show_what_cannot_be_read(store: Store) -> None:
    old, new = record(store, "old", DAY), record(store, "new")
    broken = store.folder / "broken.perfkit"
    broken.write_bytes(b"no recording")
    os.utime(broken, (0, 0))
    unsealed = store.new_path("unsealed", NOW - 2 * DAY)
    Writer(unsealed, replace(RUN, started=(NOW - 2 * DAY).timestamp())).close()
    entries = store.entries()
    assert [entry.path for entry in entries] == [new, old, unsealed, broken]
    assert [entry.sealed for entry in entries] == [True, True, False, False]
    assert entries[0] == Entry(new, NOW.timestamp(), 30.5, "new", "py-spy", True, new.stat().st_size, True)
    assert entries[-1] == Entry(broken, 0.0, 0.0, "", "", False, 12, False)


def test_names_are_resolved(store: Store, tmp_path: Path) -> None:
    old, new = record(store, "old", DAY), record(store, "new")
    assert store.resolve(None) == store.resolve("latest") == new
    assert store.resolve("2026-11-20") == store.resolve(old.name) == store.resolve(old.stem) == old
    elsewhere = tmp_path / "mine.db"
    elsewhere.touch()
    assert store.resolve(str(elsewhere)) == elsewhere


def test_an_exact_name_wins_over_longer_ones(store: Store) -> None:
    first, _ = record(store, "a"), record(store, "a")
    assert store.resolve(first.stem) == first


def test_names_that_fit_none_or_several(store: Store) -> None:
    record(store, "old", DAY), record(store, "new")
    with pytest.raises(PerfkitError, match="2 recordings begin with 2026") as caught:
        store.resolve("2026")
    assert caught.value.exit_code == USAGE
    with pytest.raises(PerfkitError, match="no recording named") as caught:
        store.resolve("2026-11-21T10-06-45-nwe")
    assert caught.value.hint == "did you mean 2026-11-21T10-06-45-new?"
    for name in ("", "\0", "x" * 9000, "/no/such/file"):
        with pytest.raises(PerfkitError):
            store.resolve(name)


def test_prune_keeps_the_newest(store: Store) -> None:
    paths = [record(store, f"r{days}", days * DAY) for days in range(4)]
    assert store.prune(2, None, NOW) == paths[2:]
    assert [path.exists() for path in paths] == [True, True, False, False]
    assert [path.with_suffix(".html").exists() for path in paths] == [True, True, False, False]
    assert store.latest() == paths[0]
    assert (store.folder / "latest.perfkit").readlink() == Path(paths[0].name)


def test_prune_by_age_and_by_both(store: Store) -> None:
    paths = [record(store, f"r{days}", days * DAY) for days in range(4)]
    assert store.prune(None, None, NOW) == []
    assert store.prune(3, 2 * DAY, NOW) == paths[3:]
    assert store.prune(3, timedelta(), NOW) == []
    assert store.prune(None, DAY, NOW) == [paths[2]]


def test_prune_everything(store: Store) -> None:
    paths = [record(store, f"r{days}", days * DAY) for days in range(2)]
    assert store.prune(0, None, NOW) == paths
    assert [path.name for path in store.folder.iterdir()] == [".gitignore"]


def test_prune_leaves_what_is_not_ours(store: Store, tmp_path: Path) -> None:
    record(store, "one")
    outside = tmp_path / "outside.perfkit"
    Writer(outside, RUN).seal(RUN)
    theirs = [store.folder / "notes.txt", store.folder / "text.perfkit", store.folder / "empty.perfkit"]
    for path in theirs:
        path.write_text("" if "empty" in path.name else "mine")
    (store.folder / "link.perfkit").symlink_to(outside)
    (store.folder / "folder.perfkit").mkdir()
    assert len(store.prune(0, None, NOW)) == 1
    assert all(
        path.exists() for path in (*theirs, outside, store.folder / "link.perfkit", store.folder / "folder.perfkit")
    )


def test_prune_takes_damaged_and_reserved_ones_and_journals(store: Store) -> None:
    damaged, reserved = record(store, "damaged"), store.new_path("reserved", NOW)
    damaged.write_bytes(damaged.read_bytes()[:200])
    journal_of(damaged).write_bytes(b"x")
    assert set(store.prune(0, None, NOW)) == {damaged, reserved}
    assert not journal_of(damaged).exists()


def test_prune_leaves_a_recording_that_is_being_written(store: Store) -> None:
    path = store.new_path("long", NOW - DAY)
    writer = Writer(path, RUN)
    assert store.prune(0, None, NOW) == []
    writer.seal(RUN)
    assert store.prune(0, None, NOW) == [path]


def test_the_folder_is_a_file(store: Store) -> None:
    store.folder.write_text("mine")
    with pytest.raises(PerfkitError, match="is a file"):
        store.create()
    with pytest.raises(PerfkitError):
        store.new_path("x", NOW)
    assert store.entries() == []


def test_a_read_only_folder(plain_user: Path) -> None:
    store = Store(plain_user)
    path = record(store, "one")
    store.folder.chmod(0o500)
    for action in (
        lambda: store.new_path("two", NOW),
        lambda: store.set_latest(path),
        lambda: store.prune(0, None, NOW),
    ):
        with pytest.raises(PerfkitError, match="not allowed to write"):
            action()
    assert store.latest() == path
    store.folder.chmod(0)
    with pytest.raises(PerfkitError):
        store.entries()


def test_a_read_only_project(plain_user: Path) -> None:
    plain_user.chmod(0o500)
    with pytest.raises(PerfkitError, match="not allowed to write"):
        Store(plain_user).create()
