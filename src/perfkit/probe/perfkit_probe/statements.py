"""Statements and their parameters, without what they say: texts lose their literals, parameters a number."""

from __future__ import annotations

from itertools import count
from time import monotonic

from . import spool, sqltext
from .requests import FETCH, SQL, TRANSACTION, current, get_current, name
from .sites import of_statement
from .spool import KEEP, SPAN, keep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Known = tuple[int, int]  # a text's number, the kind of its spans
Executed = tuple[int, int, int]  # the numbers of statement, call site and request
NOTHING: Executed = (0, 0, 0)
MANY: Any = object()

_MOST_TEXTS = 4096
_LONG = 65_536
_MOST_KEYS = 20_000
_numbers = count(1)
_numbered: dict[int, int] = {}
_texts: dict[Any, Known] = {}
_known, _known_key = _texts.get, _numbered.get
_PLAIN = {"datetime", "decimal", "uuid", "ipaddress", "fractions"}
_VERBS = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START"}
# Frameworks number their savepoints on and on.
_SAVEPOINT = sqltext.Lazy(r"(?i)\b(savepoint|release|to)\s+(?!savepoint\b)[^\s;]+")


spool.after_fork.append(_texts.clear)


def _new(sql: Any, system: str) -> Known:
    token = current.set(None)  # patterns that are compiled here, and what they import, are no request's
    try:
        return _made(sql, system)
    finally:
        current.reset(token)


def _made(sql: Any, system: str) -> Known:
    text = sql if isinstance(sql, str) else sql.decode("utf-8", "replace") if isinstance(sql, bytes) else str(sql)
    verb = sqltext.verb(text)
    shown = text[: sqltext.LONGEST] if spool.keep_literals else sqltext.redact(text, system)
    kind = TRANSACTION if verb in _VERBS else SQL
    if kind == TRANSACTION:
        shown = _SAVEPOINT.sub(r"\1 ?", shown)
    shown = shown.encode("utf-8", "backslashreplace").decode()  # lone surrogates are no text
    known = (name(shown, system), kind)
    if type(sql) in (str, bytes) and len(sql) <= _LONG:
        if len(_texts) >= _MOST_TEXTS:
            _texts.clear()
        _texts[sql] = known
    return known


def _key(statement: int, values: Any) -> int:
    """A number for statement and parameters, never 0: equal where both are equal. The hash behind it is the process's own
    and never leaves it."""
    try:
        hashed = hash((statement, values))
    except Exception:
        hashed = hash((statement, _described(values)))
    number = _numbered.get(hashed)
    if number is None:
        if len(_numbered) >= _MOST_KEYS:
            _numbered.clear()
        number = _numbered[hashed] = next(_numbers)
    return number


def _described(values: Any) -> bytes:
    """Values of types that marshal does not know. No code of the application's runs: its own types differ each time."""
    if isinstance(values, dict):
        values = list(values.items())
    if not isinstance(values, (list, tuple)):
        values = (values,)
    parts = []
    for value in values:
        kind = type(value)
        if isinstance(value, (tuple, list, dict)) and kind in (tuple, list, dict):
            parts.append(_described(value))
        elif isinstance(value, str):
            parts.append(str.encode(value, "utf-8", "surrogatepass"))
        elif isinstance(value, (int, bytes)) and kind.__module__ != "builtins":
            parts.append(b"%d" % int.__index__(value) if isinstance(value, int) else bytes.hex(value).encode())
        elif kind.__module__ in _PLAIN or kind.__module__ == "builtins":
            parts.append(repr(value).encode("utf-8", "surrogatepass"))
        else:
            parts.append(b"%d" % id(value))
    return b"\0".join(parts)


def executed(sql: Any, values: Any, system: str, started: float, rows: int = -1, stack: int | None = None) -> Executed:
    """A driver's hook calls this after a statement has run. Never raises. What it gives is for `fetched`.

    `sql` is what the driver was given: str, bytes, or what prints so. `values` is MANY where there are many sets of them.
    `rows` is what the driver knows to have changed, -1 unknown. `stack` is a number from `sites`, else looked up here.
    """
    if spool.closed:
        return NOTHING
    seconds = monotonic() - started
    try:
        try:
            known = _known(sql)
        except Exception:  # it cannot be hashed
            known = None
        number, kind = _new(sql, system) if known is None else known
        request = get_current()
        of = 0 if request is None else request.number
        asked = stack
        if stack is None:
            stack = of_statement(number)
        key: int | None = 0
        if values is not MANY:
            try:
                key = _known_key(hash((number, values)))
            except Exception:
                key = None
            if key is None:
                key = _key(number, values)
        if asked is None or not isinstance(asked, Asked) or asked.over:
            keep(SPAN(b"S", kind, of, number, stack, started, seconds, rows, key))
        else:
            asked.ran.append((kind, of, number, started, seconds, rows, key))
        if started - spool.written_at > KEEP:
            spool.flush()
        return number, stack, of
    except Exception as error:
        spool.broken("statements of %s" % system, error)
        return NOTHING


class Asked(int):
    """The number of a call site that awaits what another thread executes. `ran` holds that thread's statements until `over`:
    for who awaits them they begin when he asks, and end when he has the answer."""

    def __init__(self, stack: int) -> None:
        self.since = monotonic()
        self.over = False
        self.ran: list[tuple[int, int, int, float, float, int, int | None]] = []

    def answered(self, last: Executed) -> None:
        """`last` is the statement whose rows were asked for, where none was executed. Never raises."""
        try:
            self.over = True
            end = monotonic()
            begin, ran = self.since, self.ran
            for at, (kind, of, number, started, seconds, rows, key) in enumerate(ran, 1):
                seconds = (end if at == len(ran) else started + seconds) - begin
                keep(SPAN(b"S", kind, of, number, self, begin, seconds, rows, key))
                begin += seconds
            if not ran:
                fetched(last, begin, end - begin, -1)
        except Exception as error:
            spool.broken("statements of another thread", error)


def fetched(what: Executed, started: float, seconds: float, rows: int) -> None:
    """Rows made into Python objects, of the statement for which `executed` gave `what`, and in the same request. `rows` is -1
    for the wait for rows that were counted already."""
    try:
        if what[0] and not spool.closed:
            number, stack, of = what
            keep(SPAN(b"S", FETCH, of, number, stack, started, seconds, rows, 0))
            if started - spool.written_at > KEEP:
                spool.flush()
    except Exception as error:
        spool.broken("rows", error)
