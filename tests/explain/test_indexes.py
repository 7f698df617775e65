"""What indexes are worth: which repeat another, which nothing uses, which are broken. Pure, over made indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from perfkit.explain.indexes import LEAST_AGE, Detail, covers, made_redundant, redundant, remarks
from perfkit.explain.indexnames import qualified, quoted
from perfkit.model.plan import Index

_OLD = LEAST_AGE * 6


def _detail(name: str, *columns: str, **more: Any) -> Detail:
    of_detail = {key: more.pop(key) for key in ("include", "backs", "serves_foreign_key", "schema") if key in more}
    keys = more.pop("keys", columns)
    return Detail(Index(name, "orders", columns, **more), tuple(keys), **of_detail)


def _names(*details: Detail) -> list[tuple[str, str]]:
    return [(one.index.name, one.covered_by) for one in redundant(details, "postgresql")]


def test_the_first_columns_of_another_index_are_redundant() -> None:
    assert _names(_detail("a", "x"), _detail("b", "x", "y")) == [("a", "b")]
    assert _names(_detail("a", "y"), _detail("b", "x", "y")) == []
    assert _names(_detail("a", "x", "y"), _detail("b", "y", "x")) == []


def test_of_two_equal_ones_one_stays() -> None:
    assert _names(_detail("b", "x"), _detail("a", "x"), _detail("c", "x")) == [("b", "a"), ("c", "a")]
    assert _names(_detail("a", "x"), _detail("b", "x", unique=True)) == [("a", "b")]
    assert _names(_detail("a", "x"), _detail("b", "x", include=frozenset({"y"}))) == [("a", "b")]


@pytest.mark.parametrize(
    ("more", "other"),
    [
        ({"unique": True}, {}),
        ({"unique": True, "primary": True}, {}),
        ({"backs": "a constraint"}, {}),
        ({"partial": "y IS NULL"}, {}),
        ({}, {"partial": "y IS NULL"}),
        ({"method": "hash"}, {}),
        ({"method": "gin"}, {"method": "gin"}),
        ({"keys": ("x DESC",)}, {}),
        ({"keys": ("x text_pattern_ops",)}, {}),
        ({"include": frozenset({"z"})}, {}),
        ({}, {"valid": False}),
        ({"valid": False}, {}),
    ],
)
def test_what_another_index_does_not_do_is_not_redundant(more: dict[str, Any], other: dict[str, Any]) -> None:
    assert _names(_detail("a", "x", **more), _detail("b", "x", "y", **other)) == []


def test_an_index_that_another_one_takes_the_place_of_for_a_foreign_key_may_go() -> None:
    assert _names(_detail("a", "x", serves_foreign_key=True), _detail("b", "x", "y")) == [("a", "b")]


@pytest.mark.parametrize(
    ("system", "ddl"),
    [
        ("postgresql", 'DROP INDEX CONCURRENTLY sales."a b";'),
        ("mariadb", "ALTER TABLE `orders` DROP INDEX `a b`, ALGORITHM=INPLACE, LOCK=NONE;"),
        ("sqlite", 'DROP INDEX "a b";'),
    ],
)
def test_the_statement_that_would_drop_it(system: str, ddl: str) -> None:
    (one,) = redundant([_detail("a b", "x", schema="sales"), _detail("c", "x", "y")], system)
    assert one.ddl == ddl


def test_unused_is_said_only_with_old_statistics_and_with_their_age() -> None:
    unused = _detail("a", "x", scans=0, bytes=5_000_000)
    (text,) = remarks([unused], _OLD, "postgresql")
    assert "0 times in the 42 days" in text and "5.0 MB" in text and "DROP INDEX CONCURRENTLY a;" in text
    assert remarks([unused], LEAST_AGE / 2, "postgresql") == ()
    assert remarks([unused], None, "postgresql") == ()
    for needed in (
        replace(unused, index=replace(unused.index, scans=3)),
        replace(unused, index=replace(unused.index, scans=None)),
        replace(unused, index=replace(unused.index, unique=True)),
        replace(unused, backs="a constraint"),
        replace(unused, serves_foreign_key=True),
    ):
        assert remarks([needed], _OLD, "postgresql") == ()


def test_a_broken_index_is_named() -> None:
    (text,) = remarks([_detail("a", "x", valid=False)], None, "postgresql")
    assert "index a on orders is not valid" in text
    (text,) = remarks([_detail("a", "x", valid=False)], None, "mariadb")
    assert "hidden" in text


def test_an_index_covers_its_first_columns() -> None:
    both = _detail("a", "x", "lower((email)::text)")
    assert covers(both, ["x"]) and covers(both, ["x", "lower(email)"])
    assert not covers(both, ["lower(email)"])
    assert not covers(_detail("a", "x", partial="y > 1"), ["x"])
    assert not covers(_detail("a", "x", valid=False), ["x"])
    assert covers(_detail("a", "x(64)"), ["x"])


def test_what_a_new_index_makes_redundant() -> None:
    existing = [_detail("a", "x"), _detail("b", "x", unique=True), _detail("c", "y"), _detail("d", "x", partial="z")]
    assert made_redundant(existing, ["x", "y"], None) == ("a",)
    assert made_redundant(existing, ["x", "y"], "z") == ()


@pytest.mark.parametrize(
    ("name", "system", "expected"),
    [
        ("orders", "postgresql", "orders"),
        ("order", "postgresql", '"order"'),
        ("Orders", "postgresql", '"Orders"'),
        ('a"; DROP TABLE x; --', "postgresql", '"a""; DROP TABLE x; --"'),
        ("a`b", "mysql", "`a``b`"),
        ("1st", "sqlite", '"1st"'),
    ],
)
def test_names_are_quoted_where_they_have_to_be(name: str, system: str, expected: str) -> None:
    assert quoted(name, system) == expected


def test_a_schema_is_named_where_it_is_not_the_usual_one() -> None:
    assert qualified("t", "public", "postgresql") == "t"
    assert qualified("t", "Sales", "postgresql") == '"Sales".t'
