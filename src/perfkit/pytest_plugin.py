"""pytest's door to perfkit: an option, a setting, a mark and a fixture.

pytest loads this wherever perfkit is installed. Nothing else of perfkit is loaded unless `--perfkit` or `perfkit = true` asks for it.
"""

from __future__ import annotations

from typing import Any

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from perfkit.pipeline.testing.holding import Holding

_NAME = "perfkit-holding"
_MARK = "perfkit(queries=, rows=, connections=, commits=, external=): the most that the test may do; it fails above that where --perfkit is given."


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("perfkit")
    group.addoption(
        "--perfkit",
        action="store_true",
        help="Count statements, rows, connections, commits and requests to other services in tests, and hold them to their perfkit marks.",
    )
    parser.addini("perfkit", "The same as --perfkit.", type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Before the project's code: a connection that is open already is not seen."""
    if early_config.known_args_namespace.perfkit or early_config.getini("perfkit"):
        from perfkit.pipeline.testing.counting_here import CountingHere
        from perfkit.pipeline.testing.holding import Holding

        holding = Holding(early_config, CountingHere(str(early_config.rootpath)))
        early_config.pluginmanager.register(holding, _NAME)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARK)


@pytest.fixture(name="perfkit")
def _perfkit(request: pytest.FixtureRequest) -> Counts:
    """Counts of the test that is under way, and budgets for parts of it."""
    return Counts(request.config.pluginmanager.get_plugin(_NAME))


class Counts:
    """What the test did until now. Without --perfkit a budget allows everything, and a test that asks for a number is skipped."""

    def __init__(self, holding: Holding | None) -> None:
        self._holding = holding

    @property
    def queries(self) -> int:
        return self._total("queries")

    @property
    def rows(self) -> int:
        """Fetched."""
        return self._total("rows")

    @property
    def connections(self) -> int:
        """Opened."""
        return self._total("connections")

    @property
    def commits(self) -> int:
        return self._total("commits")

    @property
    def external(self) -> int:
        """Requests to other services."""
        return self._total("external")

    def budget(self, *args: Any, **limits: int) -> Budget:
        """`with perfkit.budget(queries=3):` fails the test where its block does more. Raises pytest.UsageError."""
        from perfkit.errors import PerfkitError
        from perfkit.pipeline.testing.limits import checked

        try:
            return Budget(self._holding, checked(args, limits, "perfkit.budget"))
        except PerfkitError as error:
            raise pytest.UsageError(f"{error.message} {error.hint}") from None

    def _total(self, metric: str) -> int:
        if self._holding is None:
            pytest.skip("perfkit counts where --perfkit is given")
        return self._holding.since().totals[metric]


class Budget:
    def __init__(self, holding: Holding | None, limits: dict[str, int]) -> None:
        self._holding, self._limits = holding, limits
        self._began = 0.0

    def __enter__(self) -> None:
        if self._holding is not None:
            self._began = self._holding.now()

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        __tracebackhide__ = True
        if kind is None and self._holding is not None:
            wrong = self._holding.wrong(self._limits, self._holding.since(self._began))
            if wrong:
                pytest.fail(wrong)
