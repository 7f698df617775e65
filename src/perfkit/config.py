"""`[tool.perfkit]` of the nearest pyproject.toml, as values: flag defaults for the commands, and silences.

Read by the cli only, and handed down. Unknown keys are an error, so that a misspelt setting is not silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from perfkit.errors import USAGE, PerfkitError

if TYPE_CHECKING:
    from perfkit.model.finding import Silence

_HINT = 'write rule = "…", place = "…" and reason = "…" below [[tool.perfkit.silence]]'
_NO_FLAGS = {("gate", "command"), ("gate", "budgets")}
_NONE: Mapping[str, Any] = MappingProxyType({})


# On the way of every command: a dataclass would cost its start 1 ms, and the module of Silence 20 ms.
class Settings(NamedTuple):
    """`defaults` are flag values by name as they stand under `[tool.perfkit]`; `commands` those of one command's table. Of the
    gate's, `command` is what it runs and `budgets` its limits, which are no flags."""

    defaults: Mapping[str, Any] = _NONE
    commands: Mapping[str, Mapping[str, Any]] = _NONE
    silences: tuple[Silence, ...] = ()
    command: tuple[str, ...] = ()
    budgets: Mapping[str, Any] = _NONE
    file: Path | None = None


def find_pyproject(start: Path) -> Path | None:
    """The pyproject.toml of the folder or of one above it."""
    return next((path for folder in (start, *start.parents) if (path := folder / "pyproject.toml").is_file()), None)


def load(start: Path) -> Settings:
    """The settings for a folder. Raises PerfkitError (2) where the file is not TOML or the table is not as documented."""
    file = find_pyproject(start)
    if file is None:
        return Settings()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PerfkitError(f"{file} cannot be read: {error}.", "make it readable, or run elsewhere", USAGE) from None
    if "perfkit" not in text:
        return Settings(file=file)
    import tomllib

    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        raise PerfkitError(f"{file} is not valid TOML: {error}.", "mend that line", USAGE) from None
    table = tool.get("perfkit", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise PerfkitError(f"{file}: perfkit must be a table.", "write [tool.perfkit]", USAGE)
    return _settings(table, file)


def _settings(table: Mapping[str, Any], file: Path) -> Settings:
    silences = table.get("silence", [])
    if not isinstance(silences, list):
        raise PerfkitError(f"{file}: silence must be a list of tables.", "write [[tool.perfkit.silence]]", USAGE)
    return Settings(
        defaults={
            _flag(key): value for key, value in table.items() if not isinstance(value, dict) and key != "silence"
        },
        commands={
            key: {_flag(name): value for name, value in value.items() if (key, name) not in _NO_FLAGS}
            for key, value in table.items()
            if isinstance(value, dict)
        },
        command=_command(table.get("gate", {}), file),
        budgets=_budgets(table.get("gate", {}), file),
        silences=tuple(_silence(entry, file) for entry in silences),
        file=file,
    )


def _command(gate: Any, file: Path) -> tuple[str, ...]:
    """Words, or a line as one would type it."""
    command = gate.get("command", []) if isinstance(gate, dict) else []
    if isinstance(command, str):
        import shlex

        try:
            return tuple(shlex.split(command))
        except ValueError as error:
            raise PerfkitError(f"{file}: tool.perfkit.gate.command: {error}.", "close the quote", USAGE) from None
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise PerfkitError(
            f"{file}: tool.perfkit.gate.command must be text.", 'write command = "gunicorn shop.wsgi"', USAGE
        )
    return tuple(command)


def _budgets(gate: Any, file: Path) -> Mapping[str, Any]:
    budgets = gate.get("budgets", {}) if isinstance(gate, dict) else {}
    if not isinstance(budgets, dict):
        raise PerfkitError(
            f"{file}: tool.perfkit.gate.budgets must be a table.", "write [tool.perfkit.gate.budgets]", USAGE
        )
    return budgets


def _flag(key: str) -> str:
    return key.replace("-", "_")


def _silence(entry: Any, file: Path) -> Silence:
    from perfkit.model.finding import Silence

    known = {"rule", "place", "reason", "expires"}
    if not isinstance(entry, dict) or not {"rule", "place", "reason"} <= set(entry):
        raise PerfkitError(f"{file}: a silence needs rule, place and reason.", _HINT, USAGE)
    if not set(entry) <= known:
        unknown = sorted(set(entry) - known)[0]
        raise PerfkitError(f"{file}: a silence has no {unknown!r}.", "it has rule, place, reason and expires", USAGE)
    expires = entry.get("expires")
    if expires is not None:
        from datetime import date

        try:
            date.fromisoformat(str(expires))
        except ValueError:
            raise PerfkitError(f"{file}: {expires!r} is not a date.", 'write expires = "2027-01-31"', USAGE) from None
    return Silence(
        str(entry["rule"]), str(entry["place"]), str(entry["reason"]), None if expires is None else str(expires)
    )
