"""Flag defaults from `[tool.perfkit]`: the table for all commands, a command's own table over it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perfkit.config import Settings, load

_settings: Settings | None = None
# Settings that are not flags of `run` alone would be refused by other commands as unknown; each takes what it knows.


def settings() -> Settings:
    """The settings of the working directory, read once."""
    global _settings
    if _settings is None:
        _settings = load(Path.cwd())
    return _settings


def with_settings(words: list[str]) -> dict[str, Any]:
    """A default map for the command that `words` call."""
    command = next((word for word in words if not word.startswith("-")), "")
    found = settings()
    return {command: {**found.defaults, **found.commands.get(command, {})}} if command else {}
