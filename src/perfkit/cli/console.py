"""The only place that prints. Reports go to stdout or a file, everything else to stderr, which belongs to people."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TextIO

from perfkit.errors import FAILED, USAGE, PerfkitError

WIDEST = 90
_ERASE_REST = "\x1b[K"


class Screen(NamedTuple):
    """What the reader's screen can show."""

    color: bool
    width: int
    unicode: bool


def screen(stream: TextIO, color: str = "auto") -> Screen:
    """A stream's abilities: no colour in a pipe, with NO_COLOR or on a dumb terminal, unless it is asked for."""
    from shutil import get_terminal_size

    terminal = stream.isatty()
    wanted = color == "always" or (
        color == "auto"
        and (terminal or os.environ.get("FORCE_COLOR", "") not in ("", "0"))
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )
    width = min(WIDEST, get_terminal_size((WIDEST, 24)).columns) if terminal else WIDEST
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return Screen(wanted, max(width, 40), encoding.startswith("utf"))


def out(result: str | bytes) -> None:
    """A command's result. Where the reader has enough (`| head`) the rest goes nowhere, and nothing has failed.

    Raises PerfkitError for bytes on a terminal, which would take them for orders.
    """
    if isinstance(result, bytes) and sys.stdout.isatty():
        raise PerfkitError("this format is binary, and a terminal cannot show it.", "give a file with -o", USAGE)
    try:
        if isinstance(result, bytes):
            sys.stdout.buffer.write(result)
        else:
            sys.stdout.write(_encodable(result, sys.stdout))
        sys.stdout.flush()
    except OSError as error:
        # The interpreter flushes once more while it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or str(error)
            raise PerfkitError(f"the output cannot be written: {reason}.", "give a file with -o", FAILED) from None


def say(text: str = "", end: str = "\n") -> None:
    """A word to the user, on stderr."""
    try:
        sys.stderr.write(_encodable(text, sys.stderr) + end)
        sys.stderr.flush()
    except (BrokenPipeError, ValueError):
        return  # nobody listens: what is measured matters more


def show_error(error: PerfkitError) -> None:
    say(f"error: {plain(error.message)}")
    if error.hint:
        say(f"  try: {plain(error.hint)}")


def plain(text: str) -> str:
    """Text of strangers (paths, arguments) without control characters that could steer the terminal."""
    return "".join(c if c == "\n" or (ord(c) >= 32 and not 127 <= ord(c) < 160) else f"\\x{ord(c):02x}" for c in text)


def _encodable(text: str, stream: TextIO) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def write_file(path: Path, content: str | bytes, *, private: bool = False) -> None:
    """Write a whole file or none; into a device or pipe as it comes. Raises PerfkitError where that does not go.

    A private file is its owner's alone, as a recording is.
    """
    path = path.resolve()  # a link stays, and leads to what is new
    special = path.exists() and not path.is_file()
    part = path if special else path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            if private and not special:
                os.fchmod(file.fileno(), 0o600)
            file.write(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
        if not special:
            part.replace(path)
    except OSError as error:
        if not special:
            with suppress(OSError):
                part.unlink()
        reason = error.strerror or str(error)
        raise PerfkitError(f"{path} cannot be written: {reason}.", "give another place with -o", FAILED) from None


class Ticker:
    """A line that is written over while something goes on: only on a terminal, and gone when it is done.

    The cursor goes back to the line's beginning, so that what the target prints next stands over it, not behind it.
    """

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._written = False

    def show(self, text: str) -> None:
        if self._shown:
            from shutil import get_terminal_size

            room = get_terminal_size((WIDEST, 24)).columns - 1  # a wrapped line could not be written over
            say(f"\r{text[:room]}{_ERASE_REST}\r", end="")
            self._written = True

    def clear(self) -> None:
        if self._written:
            say(f"\r{_ERASE_REST}", end="")
            self._written = False


class Picture:
    """Text that takes the whole terminal and is written anew each time, on the screen that editors use: what was there before
    comes back."""

    def __init__(self, color: str = "auto") -> None:
        self._color = color

    @property
    def screen(self) -> Screen:
        """As it is now: people change the size of their windows."""
        return screen(sys.stdout, self._color)

    def __enter__(self) -> Picture:
        sys.stdout.write("\x1b[?1049h\x1b[?25l\x1b[H\x1b[2Jperfkit top: looking …")
        sys.stdout.flush()
        return self

    def __exit__(self, *exception: object) -> None:
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()

    def show(self, text: str) -> None:
        """What does not fit below is left out: a screen that scrolls could not be read."""
        from shutil import get_terminal_size

        lines = _encodable(text, sys.stdout).split("\n")[: get_terminal_size((WIDEST, 24)).lines]
        sys.stdout.write("\x1b[H" + f"{_ERASE_REST}\r\n".join(lines) + f"{_ERASE_REST}\x1b[J")
        sys.stdout.flush()
