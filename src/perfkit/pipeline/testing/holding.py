"""The plugin that counts: it holds each test's call phase to the limits of its marks, and answers the `perfkit` fixture."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from perfkit.errors import PerfkitError
from perfkit.model.in_test import Happened
from perfkit.pipeline.testing.counting_here import Clock, CountingHere
from perfkit.pipeline.testing.limits import above, checked
from perfkit.reports.in_test import told

MARK = "@pytest.mark.perfkit"


class Holding:
    """Of one session."""

    def __init__(self, config: pytest.Config, counting: CountingHere) -> None:
        self._config, self._counting = config, counting
        self._began = Clock.now()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """A mark that cannot be meant ends the session before it begins; in xdist's workers, its test."""
        if hasattr(self._config, "workerinput"):
            return
        for item in items:
            try:
                _limits(item)
            except PerfkitError as error:
                raise pytest.UsageError(f"{item.nodeid}: {error.message} {error.hint}") from None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        self._counting.forget()
        self._began = Clock.now()
        outcome = yield
        if outcome.excinfo is not None:
            return
        try:
            limits = _limits(item)
            wrong = self.wrong(limits, self.since()) if limits else ""
        except PerfkitError as error:
            wrong = f"{error.message} {error.hint}"
        if wrong:
            outcome.force_exception(pytest.fail.Exception(wrong, pytrace=False))

    def pytest_unconfigure(self) -> None:
        self._counting.end()

    def now(self) -> float:
        return Clock.now()

    def since(self, begin: float | None = None) -> Happened:
        """Until now, from the beginning of the test on or from a moment in it."""
        return self._counting.between(self._began if begin is None else begin, Clock.now())

    def wrong(self, limits: dict[str, int], happened: Happened) -> str:
        found = above(limits, happened)
        return told(found, happened, str(self._config.rootpath)) if found else ""


def _limits(item: pytest.Item) -> dict[str, int]:
    """Of all marks; the nearest to the test decides."""
    limits: dict[str, int] = {}
    for mark in item.iter_markers("perfkit"):
        limits = {**checked(mark.args, mark.kwargs, MARK), **limits}
    return limits
