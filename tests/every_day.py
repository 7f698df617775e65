"""Which cases of a kind run each time, and which with `nox -s long`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first(count: int, cases: Iterable[Any]) -> list[Any]:
    """The first `count` run each time. A case of several values is a tuple."""
    found = list(cases)
    return [*found[:count], *(later(case) for case in found[count:])]


def later(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long)
