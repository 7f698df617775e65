"""The log_line_prefix of a log, worked out from its lines: the beginning of a log comes in, the setting goes out."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

from perfkit.collectors.sqllog.postgres_prefix import compiled

SEVERITIES = rb"(?:LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?)"
LATER = rb"(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT|BACKTRACE)"
_LINE = re.compile(rb"^([^\t\n][^\n]{0,400}?|)(?:%b|%b):  " % (SEVERITIES, LATER), re.MULTILINE)
_CHANGED = re.compile(rb'parameter "log_line_prefix" (?:changed to|set to) "([^"\n]*)"')
_USUAL = (
    "%m [%p] %q%u@%d ",
    "%m [%p] ",
    "%t:%r:%u@%d:[%p]:",
    "%m:%r:%u@%d:[%p]:",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%m [%p] %u@%d %a ",
    "%m [%p] %q%u@%d %a ",
    "%m [%p] %u %d %a %h ",
)
_ENOUGH = 0.9
_SAMPLE = 400
_KEYS = {
    "u": rb"(?:user(?:name)?|usr|u)=",
    "d": rb"(?:db(?:name)?|database|d)=",
    "a": rb"(?:app(?:lication)?(?:_name)?|a)=",
    "h": rb"(?:client|host|remote|h|c)=",
    "c": rb"(?:sid|session|sess)=",
    "x": rb"(?:txid|xid|tx|x)=",
    "v": rb"(?:vxid|v)=",
    "p": rb"(?:pid|p)=",
    "l": rb"(?:line|l)=",
    "e": rb"(?:sqlstate|state|e)=",
}
_TOKEN = re.compile(
    rb"(?P<m>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (?:[A-Za-z]{1,8}|[+-]\d\d(?::?\d\d)?))"
    rb"|(?P<t>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:[A-Za-z]{1,8}|[+-]\d\d(?::?\d\d)?))"
    rb"|(?P<n>\b\d{10}\.\d{3}\b)"
    + b"".join(
        rb"|(?P<key_%b>(?<![\w])%b)(?P<of_%b>\[unknown\]|\[local\]|(?:(?![,;|\]]| \w+=| \d{4}-| \[|\s*\Z)[^\n])*)"
        % (k.encode(), v, k.encode())
        for k, v in _KEYS.items()
    )
    + rb"|(?P<r>\b\d+\.\d+\.\d+\.\d+\(\d+\)|\b[0-9a-f]*:[0-9a-f:]+\(\d+\))|(?P<h>\b\d+\.\d+\.\d+\.\d+\b|\[local\])"
    rb"|(?P<c>\b[0-9a-f]{6,8}\.[0-9a-f]{1,7}\b)|(?P<v>(?<![\w/])\d+/\d+)|(?P<l>(?<=\[)\d+(?=-\d+\]))"
    rb"|(?P<two>[^\s@,:|]+@[^\s@,:|/]+)|(?P<number>(?<![\w.-])\d+(?![\w.]))|(?P<word>\[unknown\]|[A-Za-z_][\w.-]*(?: - [\w.-]+)?)"
)


@lru_cache(maxsize=2)  # asked for the same head by whoever looks for the format and by the reader
def worked_out(head: bytes) -> str | None:
    """The setting that most lines agree with; None where nothing looks like a record of PostgreSQL."""
    sample = beginnings(head)
    if not sample:
        return None
    told = [match.decode("utf-8", "replace") for match in _CHANGED.findall(head)]
    best, share = "", -1.0
    for setting in (*reversed(told), *_USUAL, *_templates(sample)):
        fits = agreement(setting, sample)
        if fits > share + 0.0005:
            best, share = setting, fits
    if share < _ENOUGH:
        return None
    return best


def beginnings(head: bytes) -> list[bytes]:
    """What stands before the severity, of at most some hundred records."""
    found: list[bytes] = _LINE.findall(head)
    return found[:: max(1, len(found) // _SAMPLE)]


def agreement(setting: str, prefixes: list[bytes]) -> float:
    """The share of them that the setting writes, 0 to 1. What stands without names for no good reason counts a little less."""
    prefix = compiled(setting)
    whole = re.compile(prefix.plain)
    fit = sum(whole.fullmatch(text) is not None for text in prefixes) / max(1, len(prefixes))
    literal = len(re.sub(r"%-?\d*[a-zA-Z]", "", setting))
    return fit - literal / 10_000


def _templates(sample: list[bytes]) -> list[str]:
    """The settings that single lines suggest, the most common first, and with %q where the server's own processes stop."""
    words = Counter(word for text in sample for word in set(_words(text)))
    constant = {word for word, count in words.items() if count > len(sample) * 0.98 and len(sample) > 3}
    counts = Counter(_template(text, constant) for text in sample)
    common = [template for template, _ in counts.most_common(6)]
    stopped = [
        long[: len(short)] + "%q" + long[len(short) :]
        for long in common
        for short in common
        if short and short != long and long.startswith(short)
    ]
    return [*stopped, *common]


def _words(text: bytes) -> list[bytes]:
    return [match[0] for match in _TOKEN.finditer(text) if match.lastgroup == "word"]


def _template(text: bytes, constant: set[bytes]) -> str:
    out: list[str] = []
    end, used = 0, set[str]()
    for match in _TOKEN.finditer(text):
        out.append(text[end : match.start()].decode("utf-8", "replace").replace("%", "%%"))
        end = match.end()
        out.append(_escape(match, used, constant))
    out.append(text[end:].decode("utf-8", "replace").replace("%", "%%"))
    return "".join(out)


def _escape(match: re.Match[bytes], used: set[str], constant: set[bytes]) -> str:
    kind = match.lastgroup or ""
    text = match[0].decode("utf-8", "replace")
    if kind.startswith("of_"):
        letter = "r" if kind == "of_h" and text.endswith(")") else kind[3:]
        used.add(letter)
        return match["key_" + kind[3:]].decode() + f"%{letter}"
    if kind == "two":
        used.update("ud")
        return "%u@%d"
    if kind == "number":
        letter = next(letter for letter in ("p", "l", "x") if letter not in used or letter == "x")
    elif kind == "word":
        letter = next((letter for letter in "uda" if letter not in used), "")
        if match[0] in constant or not letter:
            return text
    else:
        letter = kind
    used.add(letter)
    return f"%{letter}"
