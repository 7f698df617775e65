"""Tags that programs write into comments: sqlcommenter's and marginalia's; other comments are none."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.shared.sqltext import tags

TAGGED = [
    ("select 1 /*controller='index',framework='django%3A5.1'*/", {"controller": "index", "framework": "django:5.1"}),
    ("select 1 /*route='%2Fpolls%201000'*/ ;\n", {"route": "/polls 1000"}),
    ("/*action='run'*/ select 1", {"action": "run"}),
    ("select 1 /*name='it\\'s',other='a%27b'*/", {"name": "it's", "other": "a'b"}),
    ("select 1 /*key%20name='a, b'*/", {"key name": "a, b"}),
    ("select 1 /* a = 'b' */", {}),
    ("select 1 /*a='1'*/ /*b='2'*/", {"a": "1", "b": "2"}),
    ("/*a='1'*/ select 1 /*a='2'*/", {"a": "2"}),
    ("/*app:x,controller:y*/ select 1", {"app": "x", "controller": "y"}),
    ("select 1 /*line:/app/x.rb:13:in `find'*/", {"line": "/app/x.rb:13:in `find'"}),
]
UNTAGGED = [
    *(
        "",
        "select 1",
        "/**/",
        "/*/",
        "/*/*/",
        "select 1 /* plain */",
        "select 1 /* note: by hand */",
        "/* a, b */ select 1",
    ),
    *("/* http://example.com */ select 1", "/*+ SeqScan(t) */ select 1", "/*!40001 a */", "select '/*a=''b''*/'"),
    *("select 1 /*a='b',c='d", "select 1 /*a='b' c*/", "select /*a='b'*/ 1"),
]


@pytest.mark.parametrize(("text", "expected"), TAGGED)
def test_tags(text: str, expected: dict[str, str]) -> None:
    assert tags(text) == expected


@pytest.mark.parametrize("text", UNTAGGED)
def test_comments_that_are_no_tags(text: str) -> None:
    assert tags(text) == {}


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
        st.text(st.characters(codec="utf-8"), max_size=20),
        max_size=5,
    )
)
def test_what_sqlcommenter_writes_is_read(pairs: dict[str, str]) -> None:
    comment = ",".join(f"{quote(name, safe='')}='{quote(value, safe='')}'" for name, value in sorted(pairs.items()))
    assert tags(f"select 1 /*{comment}*/") == pairs


@given(
    st.text()
    | st.lists(st.sampled_from(["/*", "*/", "a", "=", "'", ",", ":", "\\", ";", " ", "%", "\ud800"])).map("".join)
)
def test_any_text_can_be_read(text: str) -> None:
    assert all(isinstance(name, str) for name in tags(text))
