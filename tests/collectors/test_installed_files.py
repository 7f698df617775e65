"""Which distribution a file belongs to, in the environment that runs the tests and in broken ones; the text that is kept."""

from __future__ import annotations

import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

from perfkit.collectors.sources import InstalledFiles, function_texts, line_seconds
from perfkit.model.recording import Frame, StackTable

SITE = Path(sysconfig.get_path("purelib"))


@pytest.mark.parametrize(
    ("file", "name"),
    [("pytest/__init__.py", "pytest"), ("_pytest/python.py", "pytest"), ("hypothesis/core.py", "hypothesis"), ("psutil/_common.py", "psutil")],
)  # fmt: skip
def test_files_of_this_environment(file: str, name: str) -> None:
    assert (SITE / file).exists()
    assert InstalledFiles().distribution_of(str(SITE / file)) == (name, version(name))


def test_a_file_that_nobody_installed() -> None:
    assert InstalledFiles().distribution_of("/proj/app.py") == (None, None)
    assert InstalledFiles().distribution_of(str(SITE / "no_such_package" / "x.py")) == (None, None)


def dist_info(site: Path, name: str, files: dict[str, str]) -> None:
    folder = site / name
    folder.mkdir(parents=True)
    for file, text in files.items():
        (folder / file).write_text(text)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A foreign environment, as another Python version would leave it."""
    site = tmp_path / "lib" / "python3.9" / "site-packages"
    metadata = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"
    dist_info(
        site,
        "PyYAML-6.0.dist-info",
        {"METADATA": metadata.format("PyYAML", "6.0"), "RECORD": "yaml/__init__.py,sha256=x,1\n_yaml/__init__.py,,\n"},
    )
    dist_info(
        site,
        "six-1.16.dist-info",
        {"METADATA": metadata.format("six", "1.16"), "RECORD": "six.py,sha256=x,1\n../../../bin/six,,\n"},
    )
    dist_info(site, "old-1.0.egg-info", {"PKG-INFO": metadata.format("old", "1.0"), "top_level.txt": "oldlib\n"})
    dist_info(site, "broken-1.0.dist-info", {"RECORD": "broken/__init__.py,,\n"})
    dist_info(site, "empty-1.0.dist-info", {"METADATA": ""})
    return site


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("yaml/constructor.py", ("PyYAML", "6.0")),
        ("_yaml/__init__.py", ("PyYAML", "6.0")),
        ("six.py", ("six", "1.16")),
        ("oldlib/deep/down.py", ("old", "1.0")),
        ("unknown/x.py", (None, None)),
    ],
)
def test_files_of_a_foreign_environment(site: Path, file: str, found: tuple[str | None, str | None]) -> None:
    assert InstalledFiles().distribution_of(f"{site}/{file}") == found


def test_broken_metadata_names_nothing_and_fails_nothing(site: Path) -> None:
    name, _ = InstalledFiles().distribution_of(f"{site}/broken/__init__.py")
    assert name in (None, "broken")


def test_the_function_around_a_hot_line_is_kept_once(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text("import os\n\n\ndef a():\n    x = 1\n    return x\n\n\ndef b():\n    return 2\n")
    kept = list(function_texts([(str(file), 5), (str(file), 6), (str(file), 10)]))
    assert [(source.first_line, source.text) for source in kept] == [
        (4, "def a():\n    x = 1\n    return x"),
        (9, "def b():\n    return 2"),
    ]


@pytest.mark.parametrize("file", ["<string>", "/nowhere/at/all.py", "/usr/lib/libc.so", "bad\0name.py", "/"])
def test_files_that_cannot_be_read_are_left_out(file: str) -> None:
    assert list(function_texts([(file, 3)])) == []


def test_a_line_beyond_the_end_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text("x = 1\n")
    (tmp_path / "empty.py").write_text("")
    assert list(function_texts([(f"{tmp_path}/short.py", 99), (f"{tmp_path}/empty.py", 1)])) == []


def test_text_in_another_encoding_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "latin.py"
    file.write_bytes(b"# -*- coding: latin-1 -*-\ndef gr\xfc\xdfe():\n    return 1\n")
    assert len(list(function_texts([(str(file), 3)]))) == 1


def test_a_recursive_line_is_counted_once_a_stack() -> None:
    table = StackTable()
    frame = Frame("walk", "/proj/a.py", 3, "app")
    stack = table.intern((frame, frame, frame))
    assert line_seconds(table, {stack: 2.0}) == {("/proj/a.py", 3): 2.0}
