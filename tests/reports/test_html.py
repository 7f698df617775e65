def test_code_between_backticks_is_marked_up_and_still_escaped() -> None:
    from perfkit.reports.html.markup import sentence

    assert sentence("`<b>` in `x`") == "<code>&lt;b&gt;</code> in <code>x</code>"
    assert sentence("an odd ` one <i>") == "an odd ` one &lt;i&gt;"
