"""Statements without their literals, before they leave the target.

In comes the text that a driver was given, out goes the same statement with `?` for each string and number. Nothing here
raises, and every pattern ends in a part that cannot fail, so that no text makes one go back: time grows with length.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any

LONGEST = 20_000  # characters of a statement that are kept
CUT = "…"


class Lazy:
    """A regular expression that is compiled when one of its methods is first called: most programs run no statement."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __getattr__(self, method: str) -> Any:
        import re

        found = getattr(re.compile(self._pattern), method)
        setattr(self, method, found)
        return found


_MYSQL = frozenset({"mysql", "mariadb"})
_FLAT = _MYSQL | {"sqlite"}  # where the first */ ends a comment; elsewhere comments nest

# Digits after a letter, $ or ? belong to a name or a placeholder; 1e-5 is one number, a-5 is two operands.
_NUMBER = r"""(?<=[0-9])(?<![\w$?].)[\w.$]*(?:(?<=[eE])[+-][0-9][\w.$]*)?
    |(?<=\.)(?<![\w$?].)[0-9][\w.$]*(?:(?<=[eE])[+-][0-9][\w.$]*)?"""
_BLOCK = r"\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/)?"  # after its slash
_DOUBLED = r"[^']*(?:''[^']*)*'?"
_ESCAPED = r"[^'\\]*(?:(?:''|\\.?)[^'\\]*)*'?"
_BACKTICKS = r"(?<=`)[^`]*`(?:[\s.,]*`[^`]*`)*"

# The one leading set lets the engine skip to the few places that can matter; three times as fast as alternatives alone.
# Runs of quoted names ("a"."b", "a"."c") are one match: ORMs write many.
_STANDARD = Lazy(
    rf"""(?sx)["'`/\-$.0-9eEnNxXbBuU](?:
    (?P<kept>(?<=")[^"]*"(?:[\s.,]*"[^"]*")*|{_BACKTICKS})
    |(?P<comment>(?<=/){_BLOCK}|(?<=-)-[^\r\n]*)
    |{_NUMBER}
    |(?<='){_DOUBLED}
    |(?<=[eE])'(?<![\w$]..){_ESCAPED}
    |(?<=[nNxXbB])'(?<![\w$]..){_DOUBLED}
    |(?<=[uU])&'(?<![\w$]...){_DOUBLED}
    |(?<=\$)(?<![\w$].)(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
    |(?<=["`]).*)"""
)
# Here "…" is a string, backslashes escape, # begins a comment, -- only before a space, and /*! holds code that runs.
_MYSQL_TEXT = Lazy(
    rf"""(?sx)["'`/\-\#.0-9nNxXbB](?:
    (?P<kept>{_BACKTICKS}|(?<=/)\*M?!(?=[0-9\s]))
    |(?P<comment>(?<=/){_BLOCK}|(?<=-)-(?![^\s\x00-\x1f])[^\r\n]*|(?<=\#)[^\r\n]*)
    |{_NUMBER}
    |(?<='){_ESCAPED}
    |(?<=[nNxXbB])'(?<![\w$]..){_ESCAPED}
    |(?<="){_ESCAPED.replace("'", '"')}
    |(?<=`).*)"""
)
_COMMENT_MARK = Lazy(r"/\*|\*/")
_HINT = Lazy(r"/\*\+[\w\s(),.@=]*\*/")
_HINT_NUMBER = Lazy(r"(?<!\w)[0-9][\w.]*")

_BEFORE_VERB = rf"(?:[\s(;]|/{_BLOCK}|--[^\r\n]*|\#[^\r\n]*)*"
_FIRST_WORDS = Lazy(rf"{_BEFORE_VERB}([A-Za-z]*)\s*([A-Za-z]*)")
_WITH_PART = Lazy(r"\"[^\"]*\"|`[^`]*`|[()]|[^\W\d][\w$]*")
_KNOWN = (
    "SELECT INSERT UPDATE DELETE MERGE REPLACE VALUES TABLE WITH BEGIN COMMIT ROLLBACK SAVEPOINT RELEASE PRAGMA SET RESET"
    " SHOW EXPLAIN DESCRIBE CALL EXECUTE PREPARE DEALLOCATE DECLARE FETCH MOVE CLOSE COPY LOAD CREATE ALTER DROP TRUNCATE"
    " COMMENT GRANT REVOKE ANALYZE VACUUM REINDEX LOCK UNLOCK LISTEN UNLISTEN NOTIFY DISCARD USE ATTACH DETACH"
)
_VERBS = frozenset(_KNOWN.split())
_MAIN_VERBS = frozenset(_KNOWN.split()[:8])
_SAME_VERB = {"END": "COMMIT", "ABORT": "ROLLBACK"}


def redact(sql: str | bytes, system: str = "") -> str:
    """`sql` with `?` for each literal and without comments; placeholders, names and clean hints stay.

    `system` is mysql, mariadb, postgresql, sqlite or empty (standard quoting, nested comments). A quote that does not end
    hides all that follows. Past 20,000 characters the text ends in `…`. What is neither str nor bytes gives "".
    """
    text = _text(sql)
    rest = CUT if len(text) > LONGEST else ""
    text = text[:LONGEST]
    pattern = _MYSQL_TEXT if system in _MYSQL else _STANDARD
    if text.count("/*") > 1 and system not in _FLAT:
        return _with_nested_comments(pattern, text).strip() + rest
    return str(pattern.sub(_shown, text)).strip() + rest


def literals(sql: str | bytes, system: str = "") -> tuple[str, ...]:
    """What `redact` hides, comments apart: two statements that are equal without their literals may differ in these."""
    pattern = _MYSQL_TEXT if system in _MYSQL else _STANDARD
    matches = pattern.finditer(_text(sql)[:LONGEST])
    return tuple([match.group() for match in matches if match.lastgroup not in ("kept", "comment")])


def verb(sql: str | bytes) -> str:
    """The first keyword, upper-cased: SELECT, BEGIN (also START TRANSACTION), COMMIT (also END), …; `other` if unknown.

    WITH gives the verb of the statement after its parts.
    """
    text = _text(sql)[:LONGEST]
    if text.count("/*") > 1:
        text = redact(text)  # comments may nest
    words = _FIRST_WORDS.match(text)
    first, second = (word.upper() for word in words.groups()) if words else ("", "")
    if first == "START" and second == "TRANSACTION":
        return "BEGIN"
    if first == "WITH":
        return _verb_after_with(redact(text))
    first = _SAME_VERB.get(first, first)
    return first if first in _VERBS else "other"


def _text(sql: str | bytes) -> str:
    if isinstance(sql, str):
        return sql
    if isinstance(sql, (bytes, bytearray, memoryview)):
        return bytes(sql[: 4 * LONGEST + 4]).decode("utf-8", "replace")  # no character takes more than four bytes
    return ""


def _shown(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "kept":
        return match.group()
    return _hint(match.group()) if kind == "comment" else "?"


def _hint(comment: str) -> str:
    """An optimizer hint with `?` for its numbers; a space for any other comment."""
    if not _HINT.fullmatch(comment):
        return " "
    return str(_HINT_NUMBER.sub("?", comment))


def _with_nested_comments(pattern: Lazy, text: str) -> str:
    parts: list[str] = []
    at = 0
    while True:
        match = pattern.search(text, at)
        if not match:
            return "".join(parts) + text[at:]
        parts.append(text[at : match.start()])
        at = match.end()
        if match.lastgroup == "comment" and match.group().startswith("/*"):
            at = _comment_end(text, match.start())
            parts.append(_hint(text[match.start() : at]))
        else:
            parts.append(_shown(match))


def _comment_end(text: str, start: int) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return int(mark.end())
    return len(text)


def _verb_after_with(redacted: str) -> str:
    depth = 0
    for part in _WITH_PART.findall(redacted):
        if part == "(":
            depth += 1
        elif part == ")":
            depth -= 1
        elif depth <= 0 and part.upper() in _MAIN_VERBS:
            return str(part.upper())
    return "WITH"
