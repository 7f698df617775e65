"""Folders and users to record with."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from recording_cases import write_everything

_NOBODY = 65534


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "all.perfkit"
    write_everything(path)
    return path


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder of a user whom permissions bind: root becomes nobody for the test."""
    folder = Path(tempfile.mkdtemp(prefix="perfkit-test-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
        shutil.rmtree(folder)
