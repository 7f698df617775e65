"""What tests of every room share. It stands here so that they can import the builders beside it (pytest puts this folder on
the path)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

Requires = Callable[..., str]


@pytest.fixture
def requires() -> Requires:
    """`requires("redis-server")` is the program's path. Without it the test is skipped, and fails where CI is set:
    there everything is installed, and a skip would hide that something is not tested. More names are alternatives."""

    def find(*names: str) -> str:
        found = next(filter(None, map(shutil.which, names)), None)
        if found is None:
            reason = f"{' or '.join(names)} is not installed"
            if os.environ.get("CI", "") not in ("", "0", "false"):
                pytest.fail(f"{reason}, and in CI nothing is skipped for that", pytrace=False)
            pytest.skip(reason)
        return found

    return find
