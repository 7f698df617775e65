"""Words of SQL that the readers of statements must tell from names."""

from __future__ import annotations

import re

# Words after which an operand begins, so that a minus belongs to the number and a parenthesis is not a call.
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "select from where and or not in on as by having limit offset set values returning distinct all any some between "
        "like ilike is case when then else union except intersect using into join exists over filter with return conflict",
    )
)
QUERY = frozenset({"select", "with", "values", "table"})
# Names that stay quoted: without quotes they would read as something else.
RESERVED = KEYWORDS | frozenset(
    re.findall(
        r"\w+",
        "all analyse analyze and any array as asc asymmetric authorization between binary both by case cast check "
        "coalesce collate column concurrently constraint create cross current_date current_role current_time "
        "current_timestamp current_user default deferrable delete desc describe distinct do dumpfile else end except "
        "exists extract fetch first for foreign from full grant greatest group grouping having ignore ilike in index "
        "initially inner insert intersect interval into is isnull join key keys lateral leading least left like limit "
        "localtime localtimestamp lock low_priority match materialized merge natural next not notnull null nullif "
        "offset on only or order outer outfile over overlaps overlay placing position primary quick range rank read "
        "references release replace returning right row rows select session_user set similar some straight_join "
        "substring symmetric table tablesample then to top trailing treat trim true false union unique update user "
        "using values variadic verbose when where window with write",
    )
)
