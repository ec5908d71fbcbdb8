from fleetserve.cli.table import table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("a", "long cell", ""), ("bbb", "x", "end")]
    assert table(("H", "HEAD", "T"), rows) == [
        "H     HEAD        T",
        "a     long cell",
        "bbb   x           end",
    ]


def test_no_rows_leave_the_head() -> None:
    assert table(("A", "B"), []) == ["A   B"]
