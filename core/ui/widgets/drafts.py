"""Text that is not lost half-typed: what stands in a field reaches the page's state while the hand rests, and outlives F5."""

from __future__ import annotations

import streamlit as st

# Streamlit sends a field's text when it is left, and a textarea's also by Ctrl+Enter: a pause in typing counts as either, the caret stays.
_JS = """
const REST_MS = 500;
export default function () {
  let resting = null;
  const hear = (event) => {
    const field = event.target;
    if (!field.closest?.('[class*="st-key-"]') || field.closest('[data-testid="stForm"]')) return;
    const isArea = field.tagName === "TEXTAREA";
    if (!isArea && !field.closest('[data-testid="stTextInput"]')) return;
    clearTimeout(resting);
    resting = setTimeout(() => field.dispatchEvent(
      isArea ? new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }) : new FocusEvent("focusout", { bubbles: true }),
    ), REST_MS);
  };
  document.addEventListener("input", hear);
  return () => { clearTimeout(resting); document.removeEventListener("input", hear); };
}
"""

_mount = st.components.v2.component("sightline_drafts", html="<span hidden></span>", js=_JS)

ADDENDUM = ".addendum"
"""How the key of a field ends whose text is nowhere else yet."""
Drafts = dict[str, str]
"""What stands in the fields of a page, by their key."""


def keep_typing(key: str) -> None:
    """From here on fields of this page tell what was typed once the hand rests. Once a page."""
    _mount(key=key)


def typed(label: str, drafts: Drafts, key: str, *, is_long: bool = False, placeholder: str = "", first: str = "") -> str:
    """A field whose text is kept in `drafts`. first: what stands in it at first."""
    st.session_state.setdefault(key, drafts.get(key, first))
    if is_long:
        text = st.text_area(label, key=key, placeholder=placeholder, height="content")
    else:
        text = st.text_input(label, key=key, placeholder=placeholder)
    drafts[key] = text or ""
    return drafts[key]
