"""Which statements are one and which are two: as libpg_query 18 parts them, and as pt-query-digest parts those of MySQL.

The groups were checked with libpg_query's own fingerprints (pglast 8.8): statements of one group are equal there, those of two groups
are not. Where perfkit parts statements in another way on purpose, the pair stands in one of the two tables with its reason.
"""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfkit.shared import sqltokens
from perfkit.shared.sqltext import fingerprint

GROUPS = [
    ["", "-- nothing", "/* a /* nested */ comment */ ;"],
    [
        *("select 7", "SELECT 'it''s'", "select $1;", "select E'it\\'s'", "select $$it's$$", "select $q$ $$ $q$"),
        *("select x'1f'", "select b'01'", "select 1e-5", "select .5", "select 0x1f", "select 1_000", "select -3"),
        *("select null", "select true", "select date '2024-02-29'", "select uuid 'c0ffee'", "select interval '1 day'"),
        *("select interval (0) $1", "select '5'::int", "select cast('5' as varchar(10))", "select 'a'\n  'b'"),
        *("select '1'::pg_catalog.int4", "select '1'::double precision", "select '{}'::text[]"),
        *("select '10:00'::time with time zone", "select timestamp with time zone '2024-02-29'", "select U&'d\\0061'"),
        *("select/**/7", "select 7 /*route='%2Fx'*/", "select /*+ SeqScan(a) */ 7 -- it's", "select 'a' as b"),
    ][:-1],
    ["select 1; select fee from pets", "select 2; select fee from pets;"],
    ["select name from pets", 'select "name" from "pets"', "SELECT Name FROM Pets", "select name -- x\nfrom pets"],
    ['select "Name" from pets'],
    ['select name from "Pets"'],
    ["select distinct name from pets"],
    ["select distinct on (name) name from pets"],
    ["select count(distinct name), * from pets where kind is not null and born::date < now()"],
    ["select name from pets1"],
    ["select name from pets2"],
    ["select name from pets where age - 5 > 1", "select name from pets where age-5 > 2"],
    ["select name from pets where age5 > 1"],
    [
        *("select name from pets where id in (1)", "select name from pets where id in (1, 2, 3)"),
        *("select name from pets where id in ($1, $2)", "select name from pets where id in ($1::uuid, $2::uuid)"),
        *("select name from pets where id = any ($1)", "select name from pets where id = ANY('{1,2}'::int[])"),
        *("select name from pets where id in (null, -1, 'x')", "select name from pets where id = some($1)"),
    ],
    ["select name from pets where id in (owner)"],
    ["select name from pets where id in (select 1)"],
    [
        "select name from pets where (id, owner) in ((1, 2))",
        "select name from pets where (id, owner) in ((1, 2), (3, 4))",
    ],
    ["select name from pets where id = any(array[1])", "select name from pets where id = any(array[1, 2])"],
    [
        "select name from pets where id > 1",
        "select name from pets where id > null",
        "select name from pets where id > -2",
    ],
    ["select name from pets where tags && '[1,2]'", "select name from pets where tags && '[1]'::int4range"],
    ["select name from pets where tags -> 'a' = '1'", "select name from pets where tags -> 'b' = $1"],
    ["select name from pets where tags ->> 'a' = '1'"],
    ["select name from pets where tags ? 'a'", "select name from pets where tags ? 'b'"],
    ["select name from pets where tags ?| array['a']", "select name from pets where tags ?| array['b', 'c']"],
    ["select name from pets where id <> 1", "select name from pets where id != 2"],
    ["select name from pets where kind is null"],
    ["select name from pets where kind is true"],
    ["select name from pets where name not like E'a'and true", "select name from pets where name not like $1and $2"],
    ["select name from pets where kind like 'a%'"],
    ["select name from pets where kind ilike 'a%'"],
    ["select name from pets order by 1", "select name from pets order by 2"],
    ["select name from pets order by name desc"],
    ["select pets.name from pets join owners on true", "select pets.name from pets inner join owners on true"],
    ["select name from pets left join owners on a = b", "select name from pets left outer join owners on a = b"],
    ["select name from pets, lateral (select 1 from owners) x"],
    ["select rank() over (partition by kind order by born rows 1 preceding) from pets"],
    ["select rank() over (partition by kind order by born) from pets"],
    ["with old as (select * from pets where age > 9) select * from old where name = 'x'"],
    [
        *("insert into pets (name, age) values ('a', 1)", "INSERT INTO pets(name, age) VALUES ($1, $2), ($3, $4)"),
        *("insert into pets (name, age) values ('a', default)", "insert into pets (age, name) values (1, 'a')"),
    ],
    ["insert into pets (name, kind) values ('a', 'b')"],
    ["insert into pets values (now(), 1)", "insert into pets values (now(), 2), (now(), 3)"],
    ["insert into pets (name) values ('a') on conflict do nothing"],
    ["insert into pets (name) values ('a') on conflict (name) do update set age = 5"],
    ["insert into pets (name) values ('a') returning id"],
    ["update pets set age = 1", "update pets set age = null", "update pets set age = default"],
    ["update pets set age = now()"],
    ["update pets set age = (select max(age) from owners where id = pets.owner limit 1) where id = $1"],
    ["delete from pets where id = 1", "delete from pets where id = '1'::bigint"],
    ["merge into pets p using fresh f on (p.id = f.id) when matched then delete"],
    ["merge into pets p using fresh f on (p.id = f.id) when matched then update set age = f.age + 1"],
    ["begin", "begin work"],
    ["commit", "commit work"],
    ["rollback", "rollback work", "rollback transaction"],
    ["savepoint a", "savepoint s_27"],
    ["release a", "release savepoint sa_savepoint_1"],
    ["rollback to a", "rollback to savepoint b"],
    ["declare c1 cursor for select name from pets", "declare c2 cursor for select name from pets"],
    ["fetch 100 from c1", "fetch 100 from c2"],
    ["close c1", "close all", "close c2"],
    ["prepare p1 as select name from pets", "prepare p2 as select name from pets"],
    ["execute p1", "execute p2"],
    ["deallocate p1", "deallocate prepare p2"],
    ["prepare transaction 'x'", "prepare transaction 'y'"],
    ["listen jobs"],
    ["notify jobs"],
    ["unlisten jobs", "unlisten *"],
    ["set work_mem = '4MB'", "SET work_mem TO 4096", "set work_mem = on"],
    ["set local work_mem = '4MB'"],
    ["explain analyze select name from pets"],
    ["create temporary table t as select 1"],
    ["create view v (a) as select name from pets"],
    [
        "copy (select name from pets where id in ('1', '2')) to stdout",
        "copy (select name from pets where id in ($1)) to stdout",
    ],
    ["vacuum full pets"],
    ["do $$ begin perform 1; end $$", "do $x$ begin perform 2; end $x$"],
]
SEVERAL_PLACES = "the order is the program's: two orders are two places in the code"
ALIAS = "an alias is what the program wrote; to know which words are aliases takes a parser"
APART = [
    (
        "select name from pets where id = 1",
        "select name from pets where id in (1)",
        "one row each time is N+1, a list is its cure",
    ),
    ("select name from pets where id <> 1", "select name from pets where id not in (1)", "the same"),
    ("select name, age from pets", "select age, name from pets", SEVERAL_PLACES),
    ("select 1 from pets, owners", "select 1 from owners, pets", SEVERAL_PLACES),
    (
        "select 1 from pets where id in (1) and age > 3",
        "select 1 from pets where age > 3 and id in (1)",
        SEVERAL_PLACES,
    ),
    ("select name as a from pets", "select name as b from pets", ALIAS),
    (
        "select name from pets where a = 1 or a = 2",
        "select name from pets where a = 1 or a = 2 or a = 3",
        SEVERAL_PLACES,
    ),
    ("select name from a.pets", "select name from b.pets", "a table's schema tells which rows"),
    (
        "select name from pets_20240228",
        "select name from pets_20240229",
        "a partition has its own rows, indexes and plan",
    ),
    ("select name from pets limit 1", "select name from pets limit 1 offset 9", "OFFSET reads what it throws away"),
    ("select round(1)", "select round(1, 2)", "another number of arguments is another function"),
    ("execute report", "execute cleanup", "the name is all that the statement shows"),
    ("notify jobs", "notify mails", "the channel is all that the statement shows"),
    ("select (7)", "select 7", "a parenthesis is a row, a call or a list; to know which takes a parser"),
    (
        "select age::int from pets",
        "select cast(age as int) from pets",
        "two spellings; which one a value's is does not matter",
    ),
]
TOGETHER = [
    ("fetch 100 from c", "fetch 50 from c", "the number of rows is a value"),
    ("deallocate p1", "deallocate all", "housekeeping of the driver; libpg_query 17 has them together"),
    ("select +1", "select 1", "the sign belongs to the number"),
]
MYSQL = [
    [
        "select 'it\\'s'",
        'select "it\\"s"',
        "select 'a''b'",
        "select 0xff",
        "select x'ff'",
        "select _utf8mb4'x'",
        "select N'x'",
    ],
    [
        "select name from pets",
        "select `name` from `pets`",
        "select name from pets # it's",
        "select name from pets -- it's",
    ],
    ["select name from pets where a = `order`"],
    ["select sql_no_cache name from pets", "select /*!40001 sql_no_cache */ name from pets"],
    ["select name from pets where id in (1)", 'select name from pets where id in (NULL, 0xff, -3, "a")'],
    ["select name from pets limit 1, 2", "select name from pets limit 2 offset 1"],
    ["select name from pets limit 1"],
    ["select name from pets order by name, age desc", "select name from pets order by name asc, age desc"],
    ["select 1 union all select 2", "select 1 union all select 2 union all select 3 union all select 4"],
    ["select 1 union select 2"],
    ["(select 1 union all select 2)", "(select 3 union all select 4)"],
    ["insert into pets values (1, 'a')", 'insert into pets value (2, "b"), (3, NULL)'],
    ["use shop", "use archive"],
    ["call report(1, 'a')", 'call report(2, "b")'],
    ["select now() - interval 1 day", "select now() - interval 2 day"],
    ["select now() - interval 1 month"],
    ["set timestamp = 1", "set timestamp = 2"],
    ["select 5--1"],
]
MYSQL_APART_FROM_PEERS = [
    ("select name from pets limit 1", "select name from pets limit 9, 1", "OFFSET reads what it throws away"),
    ("call report(1)", "call report(a)", "a column is no value"),
    ("insert into pets (a) values (1)", "insert into pets (a) values (now())", "a call is no value"),
]
ALPHABET = [
    *(
        "select",
        "from",
        "where",
        "in",
        "values",
        "E'\\''",
        "'it''s'",
        "'",
        '"',
        '"q"',
        '"a b"',
        "`q`",
        "x'1'",
        "n",
        "e",
        "date'1'",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        ".5",
        "1",
        "1e-5",
        "1.x",
        ";",
        ":",
        "::",
        ":n",
        "$1",
        "$a",
        "?",
        "?|",
        "?&",
        "||",
        "%s",
        "%",
    ),
    *(
        "%(n)s",
        "%%",
        "-",
        "--",
        "->",
        "->>",
        "#",
        "#>",
        "/",
        "*",
        "/*",
        "*/",
        "/*!40001 ",
        "/*+",
        "\\",
        "@v",
        "@@x",
        "@>",
        "&&",
        "&",
    ),
    *(" ", "\n", "\t", "\x00", "\xa0", "é", "日", "\ud800", "_utf8'x'", "a$b", "!~~", "<=>", "a1", "U&'x'"),
]


def ids(rows: list[tuple[str, str, str]]) -> list[str]:
    return [reason for _, _, reason in rows]


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_one_statement_in_postgresql(group: list[str]) -> None:
    assert len({fingerprint(text, "postgresql") for text in group}) == 1


def test_two_groups_are_two_statements_in_postgresql() -> None:
    firsts = [fingerprint(group[0], "postgresql") for group in GROUPS]
    assert [pair for pair in itertools.combinations(firsts, 2) if pair[0] == pair[1]] == []


@pytest.mark.parametrize(("one", "other", "reason"), APART, ids=ids(APART))
def test_apart_on_purpose(one: str, other: str, reason: str) -> None:
    assert fingerprint(one, "postgresql") != fingerprint(other, "postgresql"), reason


@pytest.mark.parametrize(("one", "other", "reason"), TOGETHER, ids=ids(TOGETHER))
def test_together_on_purpose(one: str, other: str, reason: str) -> None:
    assert fingerprint(one, "postgresql") == fingerprint(other, "postgresql"), reason


@pytest.mark.parametrize("system", ["mysql", "mariadb"])
@pytest.mark.parametrize("group", MYSQL, ids=lambda group: group[0])
def test_one_statement_in_mysql(group: list[str], system: str) -> None:
    assert len({fingerprint(text, system) for text in group}) == 1


def test_two_groups_are_two_statements_in_mysql() -> None:
    firsts = [fingerprint(group[0], "mysql") for group in MYSQL]
    assert [pair for pair in itertools.combinations(firsts, 2) if pair[0] == pair[1]] == []


@pytest.mark.parametrize(("one", "other", "reason"), MYSQL_APART_FROM_PEERS, ids=ids(MYSQL_APART_FROM_PEERS))
def test_apart_on_purpose_in_mysql(one: str, other: str, reason: str) -> None:
    assert fingerprint(one, "mysql") != fingerprint(other, "mysql"), reason


@given(
    st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join) | st.text(), st.sampled_from(["", "mysql", "sqlite"])
)
def test_short_texts_are_read_as_long_ones(text: str, system: str) -> None:
    """The lexer has a quick way for short texts and one that needs no memory for long ones: the same tokens come out."""
    quick = list(filter(None, sqltokens._read(text, system, fold=True)))
    slow = [sqltokens._token(match, fold=True) for match in sqltokens.lexed(text, system)]
    assert quick == list(filter(None, slow))


@given(
    st.lists(st.sampled_from(ALPHABET), max_size=30).map("".join),
    st.sampled_from(["", "postgresql", "mysql", "sqlite"]),
)
def test_a_fingerprint_is_its_own(text: str, system: str) -> None:
    once = fingerprint(text, system)
    assert fingerprint(once, system) == once


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(ALPHABET), min_size=1, max_size=4).map("".join), st.sampled_from(["", "mysql"]))
def test_eight_times_the_text_takes_no_64_times_the_time(shape: str, system: str) -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        fingerprint("select a in (" + shape * times, system)
        return time.process_time() - began

    large, small = (min(seconds(times) for _ in range(3)) for times in (4_000, 500))
    assert large < 30 * max(small, 0.002)


@pytest.mark.parametrize("system", ["postgresql", "mysql"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select '" + "x" * 10_000_000 + "'", "select ?"),
        ("select " + "/* " * 1_000_000, "select"),
        ("select a in (" + "1, " * 100_000 + "2) limit 5", "select a in (?) limit ?"),
        ("select " + "(" * 50_000 + "a" + ")" * 50_000, "select " + "(" * 50_000 + "a" + ")" * 50_000),
    ],
    ids=["string", "comments", "list", "parentheses"],
)
def test_huge_statements_have_the_fingerprint_of_small_ones(text: str, expected: str, system: str) -> None:
    assert fingerprint(text, system) == expected
