"""Whatever a user chooses is what a page gets: no two options of a widget have one label."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from core.ui.widgets.choices import apart

PROJECT = Path(__file__).resolve().parent.parent
WIDGETS = {"multiselect", "pills", "radio", "segmented_control", "select_slider", "selectbox"}


def choices(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call of a widget of choices."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WIDGETS:
            yield node


def is_told_apart(call: ast.Call) -> bool:
    """Whether the options are constants, or the labels come from `apart` with the very options of the widget."""
    told = {keyword.arg: keyword.value for keyword in call.keywords}
    options = told.get("options", call.args[1] if len(call.args) > 1 else None)
    words = told.get("format_func")
    if isinstance(options, (ast.List, ast.Tuple)) and words is None:
        values = [part.value for part in options.elts if isinstance(part, ast.Constant)]
        return len(set(values)) == len(options.elts)
    is_apart = isinstance(words, ast.Call) and isinstance(words.func, ast.Name) and words.func.id == "apart" and bool(words.args)
    return options is not None and is_apart and ast.unparse(words.args[0]) == ast.unparse(options)  # type: ignore[union-attr]


def test_every_widget_of_choices_tells_its_options_apart() -> None:
    files = [*(PROJECT / "core" / "ui").rglob("*.py"), *(PROJECT / "pages").glob("*.py"), PROJECT / "app.py"]
    found = [(file, call) for file in files for call in choices(ast.parse(file.read_text(encoding="utf-8")))]
    assert found, "no widget was found: this test would prove nothing"
    wrong = [f"{file.relative_to(PROJECT)}:{call.lineno}" for file, call in found if not is_told_apart(call)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        ('st.radio("A", ["x", "y"])', True),
        ('st.radio("A", ["x", "x"])', False),
        ('st.radio("A", names)', False),
        ('st.radio("A", names, format_func=str)', False),
        ('st.radio("A", names, format_func=apart(names))', True),
        ('st.radio("A", names, format_func=apart(others))', False),
        ('column.selectbox("A", options=list(known), format_func=apart(list(known), title))', True),
    ],
)
def test_the_rule_is_read_as_it_is_written(source: str, verdict: bool) -> None:
    (call,) = choices(ast.parse(source))
    assert is_told_apart(call) is verdict


@given(st.lists(st.sampled_from(["a", "a (2)", "a (3)", "b"]), max_size=8))
def test_labels_never_repeat_and_the_first_of_them_stays(words: list[str]) -> None:
    label = apart(range(len(words)), words.__getitem__)
    labels = [label(place) for place in range(len(words))]
    assert len(set(labels)) == len(labels)
    for place, own in enumerate(labels):
        assert own.startswith(words[place])


def test_the_second_of_two_like_options_is_what_a_page_gets() -> None:
    def page() -> None:
        import streamlit as shown

        from core.ui.widgets.choices import apart as told_apart

        options = [7, 8, 9]
        names = {7: "Forest to river", 8: "Forest to river", 9: "Pasture to river"}
        shown.text(f"chosen: {shown.radio('Where', options, index=None, format_func=told_apart(options, names.__getitem__))}")

    ran = AppTest.from_function(page).run()
    ran.radio[0].set_value(8).run()
    assert not ran.exception
    assert ran.text[0].value == "chosen: 8"
