"""Statements and their parameters, without what they say: texts lose their literals, parameters a number."""

from __future__ import annotations

from sys import _getframe
from time import monotonic

from . import spool, sqltext
from .events import CLOSED, WRITTEN
from .requests import FETCH, SQL, TRANSACTION, current, get_current, name
from .sites import hints_of, walked
from .spool import KEEP, keep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .events import Statement
    from .sites import Hints

    # A text's number, the kind of its spans, where it ran before, and what stands for the literals in it.
    Known = tuple[int, int, Hints, int]

MANY: Any = object()
NOTHING: Statement = [WRITTEN, 0, 0, 0, 0.0, 0.0, -1, None, 0.0, 0.0, CLOSED]
"""In the place of a statement that is not watched. Nothing is ever added to it."""

_MOST_TEXTS = 4096
_LONG = 65_536
_texts: dict[Any, Known] = {}
_known = _texts.get
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
    number = name(shown, system)
    known = (number, kind, hints_of(number), hash(sqltext.literals(text, system)))
    if type(sql) in (str, bytes) and len(sql) <= _LONG:
        if len(_texts) >= _MOST_TEXTS:
            _texts.clear()
        _texts[sql] = known
    return known


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


def executed(sql: Any, values: Any, system: str, started: float, rows: int = -1, stack: int | None = None) -> Statement:
    """A driver's hook calls this after a statement has run. Never raises. What it gives is for `fetched` and `single`.

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
        number, kind, hints, literals = known or _new(sql, system)
        request = get_current()
        hashed = None
        if values is not MANY:  # at once: they may be changed after this
            try:
                hashed = hash(values) ^ literals
            except Exception:
                hashed = hash(_described(values)) ^ literals
        of = 0 if request is None else request.number
        if stack is None:
            # What follows is `sites.here` without a frame of its own.
            for depth, code, at, callers, before in hints.near:
                try:
                    frame: Any = _getframe(depth)
                    if frame.f_lasti == at and frame.f_code is code:
                        for code, at in callers:
                            frame = frame.f_back
                            if frame.f_lasti != at or frame.f_code is not code:
                                break
                        else:
                            stack = before
                            break
                except (ValueError, AttributeError):  # the stack is less deep
                    continue
            else:
                stack = walked(hints)
                if isinstance(stack, Asked) and not stack.over:
                    statement = [kind, of, number, int(stack), started, seconds, rows, hashed, 0.0, 0.0, 0]
                    stack.ran.append(statement)
                    return statement
        statement = [kind, of, number, stack, started, seconds, rows, hashed, 0.0, 0.0, 0]
        keep(statement)
        if started - spool.written_at > KEEP:
            spool.flush()
        return statement
    except Exception as error:
        spool.broken("statements of %s" % system, error)
        return NOTHING


class Asked(int):
    """The number of a call site that awaits what another thread executes. `ran` holds that thread's statements until `over`:
    for who awaits them they begin when he asks, and end when he has the answer."""

    def __init__(self, stack: int) -> None:
        self.since = monotonic()
        self.over = False
        self.ran: list[Statement] = []

    def __bool__(self) -> bool:
        """Whoever asks for the site of this thread is to find it, known by a number or not."""
        return True

    def answered(self, last: Statement) -> None:
        """`last` is the statement whose rows were asked for, where none was executed. Never raises."""
        try:
            self.over = True
            end = monotonic()
            begin, ran = self.since, self.ran
            for at, statement in enumerate(ran, 1):
                ended = end if at == len(ran) else statement[4] + statement[5]
                statement[4], statement[5] = begin, ended - begin
                keep(statement)
                begin = ended
            if not ran:
                _apart(last, begin, end - begin, -1)
        except Exception as error:
            spool.broken("statements of another thread", error)


def fetched(what: Statement, started: float, seconds: float, rows: int) -> None:
    """`rows` more rows, in one go, made into Python objects: of the statement for which `executed` gave `what`, and in the
    same request. Never raises."""
    try:
        known = what[10]
        if known < 0:
            _again(what, started, seconds, rows)
        elif known:  # one span for both would lie over what ran in between
            _apart(what, started, seconds, rows)
        else:
            what[8:] = started, seconds, rows
        if started + seconds - spool.written_at > KEEP:
            spool.flush()
    except Exception as error:
        spool.broken("rows", error)


def single(what: Statement, started: float, found: bool) -> None:
    """One more row, or the time it took to learn that there is none. Never raises."""
    try:
        seconds = monotonic() - started
        known = what[10]
        if known >= 0:
            what[9] += seconds
            what[10] = known + found
        elif found:
            _again(what, started, seconds, 1)
    except Exception as error:
        spool.broken("rows", error)


def _again(written: Statement, started: float, seconds: float, rows: int) -> None:
    if written is not NOTHING and not spool.closed:
        written[0] = WRITTEN
        written[8:] = started, seconds, rows
        keep(written)


def _apart(of: Statement, started: float, seconds: float, rows: int) -> None:
    if of is not NOTHING and not spool.closed:
        keep([FETCH, *of[1:4], started, seconds, rows, None, 0.0, 0.0, 0])
