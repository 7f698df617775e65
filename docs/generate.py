"""Writes docs/reference/cli.md and rules.md from the command line's own definition and the rules' docstrings.

`python docs/generate.py` writes them; with `--check` it writes nothing and exits 1 where a page is not what it would write.
"""

from __future__ import annotations

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Any

from typer.main import get_command

from perfkit.cli import COMMANDS, SUBCOMMANDS, build
from perfkit.errors import PerfkitError
from perfkit.findings import RULES

REFERENCE = Path(__file__).parent / "reference"
_NOTE = "<!-- Written by docs/generate.py. Change the source of what it describes, not this page. -->"
_PRECEDENCE = """\
An option's environment variable holds its default; an option on the command line comes before it, and it before
[`[tool.perfkit]`](configuration.md). A variable of a repeatable option holds several values separated by spaces."""
_ABOUT_RULES = """\
A rule looks at what was measured and says which seconds it can explain. `perfkit rule NAME` prints the same text in the
terminal. A finding can be [silenced](../how-to/silence-a-finding.md)."""
_TYPES = {"float": "NUMBER", "int": "NUMBER", "integer": "NUMBER", "text": "TEXT", "str": "TEXT"}


def cli_page() -> str:
    """Every command with its arguments, options, environment variables and defaults."""
    commands = dict(get_command(build([])).commands)  # type: ignore[attr-defined]
    for name, below in SUBCOMMANDS.items():
        for word in below:
            group = get_command(build([name, word])).commands[name]  # type: ignore[attr-defined]
            commands[f"{name} {word}"] = group.commands[word]
    names = [one for name in COMMANDS for one in (name, *(f"{name} {word}" for word in SUBCOMMANDS.get(name, ())))]
    parts = [
        "# Command line",
        _NOTE,
        _PRECEDENCE,
        "`perfkit --version` prints the version. Each command has `--help`. Exit codes: [exit-codes.md](exit-codes.md).",
        "\n".join(f"- [`perfkit {name}`](#perfkit-{name.replace(' ', '-')})" for name in names),
    ]
    for name in names:
        parts.extend(_command(name, commands[name]))
    return "\n\n".join(parts) + "\n"


def _command(name: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join(["perfkit", name, "[OPTIONS]", *(p.metavar or p.name.upper() for p in arguments)])
    parts = [f"## perfkit {name}", f"```text\n{usage}\n```", *_help(command.help or "")]
    if arguments:
        parts.append(_table(("argument", "what it is"), [(f"`{p.metavar}`", p.help or "") for p in arguments]))
    rows = [(_names(p), _cell(p.help or ""), f"`{p.envvar}`" if p.envvar else "", _default(p)) for p in options]
    parts.append(_table(("option", "what it does", "environment", "default"), rows))
    return parts


def _help(text: str) -> list[str]:
    """Paragraphs as they are; a paragraph of examples becomes one command a line."""
    parts = []
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("Examples:"):
            examples = " ".join(paragraph.removeprefix("Examples:").split()).split(" · ")
            parts.append("```sh\n" + "\n".join(examples) + "\n```")
        else:
            parts.append(paragraph)
    return parts


def _names(option: Any) -> str:
    value = "" if option.is_flag else " " + (option.metavar or _TYPES.get(option.type.name, "VALUE"))
    names = [*sorted(option.opts, key=len, reverse=True), *option.secondary_opts]
    return ", ".join(f"`{name}{value}`" for name in names).replace("|", "\\|")


def _default(option: Any) -> str:
    if option.default is None or option.is_flag:
        return ""
    value = option.default
    return f"`{int(value) if isinstance(value, float) and value.is_integer() else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def rules_page() -> str:
    """Every rule: the text that `perfkit rule NAME` prints."""
    rules = {name: RULES.load(name) for name in built_in(RULES)}
    parts = [
        "# Rules",
        _NOTE,
        _ABOUT_RULES,
        _table(
            ("rule", "what it says"), [(f"[`{name}`](#{name})", _cell(rule.summary)) for name, rule in rules.items()]
        ),
    ]
    for name, rule in rules.items():
        parts += [f"## {name}", cleandoc(rule.__doc__ or "")]
    return "\n\n".join(parts) + "\n"


def built_in(registry: Any) -> list[str]:
    """The names in a registry that perfkit itself brings; what else is installed beside it has no page here."""
    return [name for name in registry if registry.load(name).__module__.startswith("perfkit.")]


PAGES = {"cli.md": cli_page, "rules.md": rules_page}


def main(words: list[str]) -> int:
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if "--check" not in words:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        raise PerfkitError(f"docs/reference/{', '.join(stale)} is not up to date", "run python docs/generate.py")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PerfkitError as error:
        sys.exit(f"error: {error.message}\n  try: {error.hint}")
