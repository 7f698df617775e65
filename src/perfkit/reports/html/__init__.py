"""Reports room, HTML: a report comes in, one self-contained page goes out that loads nothing.

`page` joins the sections; `summary`, `findings`, `tables`, `database`, `flame` and `about` each write some of them. What changed between
two recordings is written by `difference_summary`, `difference_tables` and `difference_flame`, a gate's verdict by `verdict`, and what
both have by `changes`; `diff_html` and `gate_html` of the room join them. `document` is the page around all of them, `markup` the only
place where text becomes HTML. Style sheets and scripts are inlined and allowed by their hashes: `flame_graph.js` draws, `flame.js` and
`flame_difference.js` say what.
"""
