"""Reports room, the HTML report: a report comes in, one self-contained page goes out that loads nothing.

`page` joins the sections; `summary`, `findings`, `tables`, `database`, `flame` and `about` each write some of them; `markup` is the
only place where text becomes HTML. `style.css` and `flame.js` are inlined and allowed by their hashes.
"""
