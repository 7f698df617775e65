"""Explain room: a statement for MySQL or MariaDB comes in; why its plan may not even be asked for goes out.

Both run parts of a statement while they plan it: derived tables, subqueries and functions of constants. MariaDB 10.11 was seen to write
rows and to take values of a sequence in plain EXPLAIN. So only functions that are known to do nothing are let through; all others may be
stored functions, functions of a library, or the ones that sleep, lock and read files.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from perfkit.explain.interface import Refusal
from perfkit.explain.scanning import Piece, telling

_NATIVE = frozenset(
    re.findall(
        r"\w+",
        """
abs acos adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and bit_count bit_length bit_or
bit_xor cast ceil ceiling char char_length character_length chr coalesce coercibility collation column_check column_exists column_get
column_json column_list compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32 crc32c cume_dist
curdate current_date current_time current_timestamp current_user curtime database date date_add date_format date_sub datediff day
dayname dayofmonth dayofweek dayofyear default degrees dense_rank elt exp export_set extract extractvalue field find_in_set first_value
floor format found_rows from_base64 from_days from_unixtime geomfromtext greatest group_concat grouping hex hour if ifnull inet6_aton
inet6_ntoa inet_aton inet_ntoa insert instr interval is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull json_array
json_array_append json_array_insert json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed json_equals
json_exists json_extract json_insert json_keys json_length json_loose json_merge json_merge_patch json_merge_preserve json_normalize
json_object json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace json_search json_set json_table
json_type json_unquote json_valid json_value lag last_day last_value lcase lead least left length lengthb ln localtime localtimestamp
locate log log10 log2 lower lpad ltrim make_set makedate maketime match max md5 median microsecond mid min minute mod month monthname
natural_sort_key now nth_value ntile nullif nvl nvl2 oct octet_length ord percent_rank percentile_cont percentile_disc period_add
period_diff pi point position pow power quarter quote radians rand random_bytes rank regexp_instr regexp_like regexp_replace regexp_substr repeat
replace reverse right round row_count row_number rpad rtrim schema sec_to_time second session_user sha sha1 sha2 sign sin soundex space
sqrt st_area st_asgeojson st_astext st_buffer st_centroid st_contains st_crosses st_distance st_distance_sphere st_dwithin
st_geomfromtext st_intersects st_latitude st_longitude st_point st_srid st_within st_x st_y mbrcontains mbrintersects mbrwithin
std stddev stddev_pop stddev_samp str_to_date strcmp subdate substr substring substring_index subtime sum sysdate system_user tan time
time_format time_to_sec timediff timestamp timestampadd timestampdiff to_base64 to_char to_days to_seconds trim truncate ucase uncompress
uncompressed_length unhex unix_timestamp updatexml upper user utc_date utc_time utc_timestamp uuid uuid_short uuid_to_bin values
var_pop var_samp variance version week weekday weekofyear weight_string year yearweek
""",
    )
)
# Words that a parenthesis follows without a call.
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
all and any as between binary bigint by case char character columns decimal dec numeric float double real nchar varchar varbinary
datetime integer int signed unsigned distinct div else escape except exists for force from group having ignore in index intersect is join
key like limit mod not offset on or order outer over partition regexp rlike row select set some straight_join sounds then union unique
use using value values when where window with xor interval lateral distinctrow duplicate update returning table
""",
    )
)
_DECLARED = frozenset(
    {"into", "with", "recursive", "as", "ignore", "low_priority", "delayed", "high_priority", "index", "key"}
)


def why_not_planned(text: str, system: str, stored: Collection[str]) -> Refusal | None:
    """`stored` are the names of the database's own functions, in lower case."""
    if "/*!" in text or "/*M!" in text:
        return Refusal("it has a comment that the server executes", "explain it without /*! … */")
    pieces = telling(text, system)
    for at, piece in enumerate(pieces):
        if piece.text != "(" or not at or pieces[at - 1].kind not in ("word", "name", "string"):
            continue
        name = pieces[at - 1]
        if _is_declared(pieces, at - 1):
            continue
        qualified = at > 1 and pieces[at - 2].text == "."
        known = name.kind == "word" and name.says in (_NATIVE | _WORDS) and not qualified
        if not known or (name.called in stored and name.called not in _WORDS):
            return Refusal(
                f"it calls {name.text[:60]}(), which the server may run to plan it",
                "only the server's own functions that change nothing are let through",
            )
    return None


def names_in(text: str, system: str) -> set[str]:
    """All that could be a table or a view, in lower case."""
    return {piece.called for piece in telling(text, system) if piece.kind in ("word", "name")}


def _is_declared(pieces: Sequence[Piece], at: int) -> bool:
    """Whether a name is one of a table with its columns after it: INSERT INTO t (a), WITH x (a) AS (…), …, y (b) AS (…)."""
    start = at
    while start >= 2 and pieces[start - 1].text == ".":
        start -= 2
    before = pieces[start - 1].says if start else ""
    if before in _DECLARED:
        return before != "as" or pieces[at].kind != "string"
    return before == "," and _closes_before_as(pieces, at + 1)


def _closes_before_as(pieces: Sequence[Piece], at: int) -> bool:
    """`y (b) AS (SELECT`: only parts of WITH look like this."""
    depth = 0
    for end in range(at, len(pieces)):
        depth += (pieces[end].text == "(") - (pieces[end].text == ")")
        if not depth:
            following = [piece.says for piece in pieces[end + 1 : end + 4]]
            return (
                len(following) == 3
                and following[:2] == ["as", "("]
                and following[2] in ("select", "with", "values", "(", "table")
            )
    return False
