"""What people call a process: its command line comes in; the names it answers to and how to print it go out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from perfkit.shared import redact

_PYTHON = re.compile(r"^python[\d.]*[a-z]*$", re.IGNORECASE)
_TAKES_VALUE = frozenset({"-X", "-W", "--check-hash-based-pycs"})
_APPLICATION = re.compile(r"^[A-Za-z_][\w.]*(?::[\w.]+(?:\(.*\))?)?$")
# These are told on their command line which application they run; any other program's words are its own affair.
SERVERS = frozenset(
    [
        "celery",
        "daphne",
        "dramatiq",
        "fastapi",
        "flask",
        "granian",
        "gunicorn",
        "hypercorn",
        "litestar",
        "manage.py",
        "rq",
        "uvicorn",
        "uwsgi",
        "waitress-serve",
    ]
)
_TITLE_WORD = re.compile(r"\w[\w.@-]*")
_APPLICATION_FLAGS = ("--app=", "--module=", "--wsgi=")
_SHOWN = 60


def is_interpreter(word: str) -> bool:
    return bool(_PYTHON.match(PurePath(word).name))


def names(argv: Sequence[str]) -> list[str]:
    """Lower-case names, the program's own first, then the application it was told to serve.

    A process that set its own title (`gunicorn: master [shop.wsgi]`) is called by the words of the title.
    """
    if not argv:
        return []
    if _is_title(argv):
        return list(dict.fromkeys(_TITLE_WORD.findall(argv[0].lower())))
    program, rest = _program(argv)
    found = [name.lower() for name in _spellings(program)]
    if any(name in SERVERS for name in found):
        found += [name.lower() for word in rest for name in _application(word)]
    return list(dict.fromkeys(found))


def program_names(argv: Sequence[str]) -> list[str]:
    """Only the program's own names: what may be suggested without quoting its arguments."""
    if _is_title(argv):
        return names(argv)[:1]
    program, _ = _program(argv)
    return [name.lower() for name in _spellings(program)]


def spoken(argv: Sequence[str]) -> str:
    """The command as it was typed, on one printable line, redacted: `gunicorn shop.wsgi`, `python app.py`."""
    return _line(_typed(argv))


def short(argv: Sequence[str]) -> str:
    """`spoken` without the folder of the script, cut to a length that leaves room on a line of 90 columns."""
    program, _ = _program(argv)
    line = _line([PurePath(word).name if word == program else word for word in _typed(argv)])
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"


def printable(text: str) -> str:
    """Without control characters, which would act on the terminal that shows them."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _typed(argv: Sequence[str]) -> list[str]:
    program, rest = _program(argv)
    installed = len(argv) > 1 and is_interpreter(argv[0]) and PurePath(program).parent.name in ("bin", "Scripts")
    words = [PurePath(program).name, *rest] if installed else list(argv)
    if words and is_interpreter(words[0]):
        words[0] = PurePath(words[0]).name
    return words


def _line(words: Sequence[str]) -> str:
    # One word is a title or a bare program: quoting it as for a shell would only add marks.
    return printable(redact.argv(words) if len(words) > 1 else redact.text("".join(words)))


def _is_title(argv: Sequence[str]) -> bool:
    return bool(argv) and len(argv[0].split()) > 1 and "/" not in argv[0].split()[0]


def _program(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The script, the module (as `-m name`) or the executable that the command line starts, and its arguments."""
    if not argv or not is_interpreter(argv[0]):
        return (argv[0], argv[1:]) if argv else ("", ())
    at = 1
    while at < len(argv) and argv[at].startswith("-"):
        word = argv[at]
        if word.startswith("-") and not word.startswith("--") and word[-1] in "mc":
            code = word[-1] == "c" or at + 1 >= len(argv)
            return ("", ()) if code else (f"-m {argv[at + 1]}", argv[at + 2 :])
        at += 2 if word in _TAKES_VALUE else 1
    return (argv[at], argv[at + 1 :]) if at < len(argv) else ("", ())


def _spellings(program: str) -> list[str]:
    if program.startswith("-m "):
        module = program[3:]
        return list(dict.fromkeys((module, module.partition(".")[0], module.rpartition(".")[2])))
    path = PurePath(program)
    if not path.name or is_interpreter(path.name):
        return []
    stem = [path.stem] if path.suffix == ".py" else []
    package = [path.parent.name] if path.name == "__main__.py" else []
    return [path.name, *stem, *package, program]


def _application(word: str) -> list[str]:
    for flag in _APPLICATION_FLAGS:
        word = word.removeprefix(flag)
    if not _APPLICATION.match(word):
        return []
    module = word.partition(":")[0]
    return [word, module, module.partition(".")[0]]
