"""The command line's own mistakes: an exception of the parser comes in, perfkit's error with a remedy goes out."""

from __future__ import annotations

import re

from typer._click.exceptions import NoArgsIsHelpError, NoSuchOption, UsageError

from perfkit.errors import USAGE, PerfkitError

__all__ = ["NoArgsIsHelpError", "UsageError", "usage_error"]

_SUGGESTION = re.compile(r"[.!]? Did you mean (.+)\?$", re.DOTALL)


def usage_error(error: UsageError) -> PerfkitError:
    """What is wrong in a line, and the nearest name or the help as the remedy. Exit code 2."""
    command = error.ctx.command_path if error.ctx else "perfkit"
    if isinstance(error, NoSuchOption):
        near = sorted(error.possibilities or ())
        message = f"{command} has no option {error.option_name}"
    else:
        message = error.format_message()
        suggested = _SUGGESTION.search(message)
        near = re.findall(r"'([^']+)'", suggested[1]) if suggested else []
        message = _SUGGESTION.sub("", message)
    hint = f"did you mean {' or '.join(near)}?" if near else f"{command} --help shows what it takes"
    return PerfkitError(f"{message[:1].lower()}{message[1:].rstrip('.')}.", hint, USAGE)
