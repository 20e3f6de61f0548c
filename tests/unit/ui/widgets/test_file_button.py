"""A file that cannot be made for the browser: the page says why, and no log says of whom."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import words


def draw(make: object) -> None:
    from core.ui.widgets.file_button import file_button

    file_button("PDF", make, "report.pdf", "report")


def test_a_file_that_cannot_be_made_says_so_on_the_page_and_names_nothing_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    makers: list[Callable[[], bytes]] = []
    monkeypatch.setattr(st, "download_button", lambda label, make, *_, **__: makers.append(make))
    is_full = [True]

    def make() -> bytes:
        if is_full[0]:
            raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/DOE^JOHN.dcm")
        return b"whole"

    page = AppTest.from_function(draw, kwargs={"make": make}, default_timeout=60).run()
    assert words(page) == ""
    with pytest.raises(RuntimeError) as told:  # Streamlit logs it with all that it says, and the errors behind it
        makers[-1]()
    assert "DOE" not in str(told.value) and told.value.__suppress_context__
    said = words(page.run())
    assert "/somewhere is full: No space left on device." in said
    is_full[0] = False
    assert makers[-1]() == b"whole"
    assert words(page.run()) == ""
