"""Flag defaults from `[tool.perfkit]`: the table for all commands, a command's own table over it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from perfkit.config import Settings, load
from perfkit.errors import USAGE, PerfkitError

_settings: Settings | None = None


class _Flag(NamedTuple):
    """A flag of one command: the parameter that takes it, the type of its value, and whether it may be repeated."""

    parameter: str
    kind: type
    repeatable: bool

    def fits(self, value: object) -> bool:
        if isinstance(value, list):
            return self.repeatable and all(isinstance(one, str) for one in value)
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        allowed = {float: (int, float), int: (int,), str: (str, int)}
        return isinstance(value, allowed[self.kind])


def settings() -> Settings:
    """The settings of the working directory, read once."""
    global _settings
    if _settings is None:
        _settings = load(Path.cwd())
        _check_silences(_settings)
    return _settings


def _check_silences(found: Settings) -> None:
    """Raises PerfkitError (2) for a silence of a rule that does not exist: it would silence nothing, unnoticed."""
    if any(silence.rule != "*" for silence in found.silences):
        from perfkit.findings import RULES

        for silence in found.silences:
            if silence.rule != "*" and silence.rule not in RULES:
                RULES.load(silence.rule)


def with_settings(words: list[str]) -> dict[str, Any]:
    """A default map for the command that `words` call; empty where they call none, as for help.

    Raises PerfkitError (2) for a key that no command has, and for a table that is not a command's.
    """
    from perfkit.cli import COMMANDS, SUBCOMMANDS, is_subcommand

    command = words[0] if words and words[0] in COMMANDS else ""
    if not command:
        return {}
    found = settings()
    for name in found.commands:
        if name not in COMMANDS:
            raise _unknown(f"tool.perfkit.{name}", name, COMMANDS, found)
    if not found.defaults and command not in found.commands:
        return {}
    below = SUBCOMMANDS.get(command, {})
    own = _flags(below[words[1]] if is_subcommand(words) else COMMANDS[command])
    # A table is that of the command with all its subcommands.
    family = {key for where in (COMMANDS[command], *below.values()) for key in _flags(where)} if below else set(own)
    values = {
        **_values(found.defaults, own, "tool.perfkit", found, None),
        **_values(found.commands.get(command, {}), own, f"tool.perfkit.{command}", found, family),
    }
    return {command: {words[1]: values} if is_subcommand(words) else values}


def _values(
    table: Mapping[str, Any], own: Mapping[str, _Flag], where: str, found: Settings, elsewhere: set[str] | None
) -> dict[str, Any]:
    """By parameter. Keys that are flags `elsewhere` are left to those commands; None is any command."""
    values = {}
    for key, value in table.items():
        flag = own.get(key)
        if flag is not None:
            if not flag.fits(value):
                raise _wrong(f"{where}.{key}", value, flag, found)
            values[flag.parameter] = [value] if flag.repeatable and not isinstance(value, list) else value
            continue
        known = _all_flags() if elsewhere is None else elsewhere
        if key not in known:
            raise _unknown(f"{where}.{key}", key, known, found)
    return values


def _flags(where: str) -> dict[str, _Flag]:
    """Of the function at `module:name`. `--while` of the parameter `while_` is the key `while`."""
    from importlib import import_module
    from typing import get_args, get_type_hints

    module, _, function = where.partition(":")
    flags = {}
    for parameter, hint in get_type_hints(getattr(import_module(module), function), include_extras=True).items():
        for extra in get_args(hint)[1:]:
            # In Annotated, typer finds an option's first name in `default`.
            names = (getattr(extra, "default", None), *(getattr(extra, "param_decls", None) or ()))
            for name in (name for name in names if isinstance(name, str) and name.startswith("--")):
                flags[name[2:].partition("/")[0].replace("-", "_")] = _flag(parameter, str(get_args(hint)[0]))
    return flags


def _flag(parameter: str, annotation: str) -> _Flag:
    kind = next((kind for kind in (bool, float, int) if kind.__name__ in annotation), str)
    return _Flag(parameter, kind, "list[" in annotation)


def _all_flags() -> set[str]:
    from importlib.util import find_spec

    from perfkit.cli import COMMANDS, SUBCOMMANDS

    places = [*COMMANDS.values(), *(where for below in SUBCOMMANDS.values() for where in below.values())]
    return {key for where in places if find_spec(where.partition(":")[0]) for key in _flags(where)}


def _wrong(path: str, value: object, flag: _Flag, found: Settings) -> PerfkitError:
    wanted = {bool: "true or false", float: "a number", int: "a whole number", str: "text in quotes"}[flag.kind]
    hint = f"write {wanted}" + (", or a list of such" if flag.repeatable else "")
    return PerfkitError(f"{found.file}: {path.replace('_', '-')} cannot be {value!r}.", hint, USAGE)


def _unknown(path: str, key: str, known: Any, found: Settings) -> PerfkitError:
    from difflib import get_close_matches

    near = get_close_matches(key, list(known), n=1)
    spelt = path.replace("_", "-")
    hint = f"did you mean {near[0].replace('_', '-')}?" if near else "perfkit COMMAND --help lists the flags there are"
    return PerfkitError(f"{found.file}: there is no setting {spelt}.", hint, USAGE)
