"""A button that puts text on the clipboard, as plain text."""

from __future__ import annotations

import streamlit as st

_HTML = '<button type="button"></button>'
_CSS = """
button { width: 100%; min-height: 2.4rem; padding: 0 0.8rem; border: 1px solid #2a3135; border-radius: 5px; background: transparent;
  color: var(--st-text-color); font: inherit; font-family: var(--st-font); font-size: 15px; cursor: pointer; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
"""
# Without a secure context (a plain http address other than localhost) there is no clipboard object: the old command still works.
_JS = """
const back = new WeakMap();
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("no clipboard");
}
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const say = (words) => {
    button.textContent = words;
    clearTimeout(back.get(button));
    back.set(button, setTimeout(() => { button.textContent = data.label; }, 2500));
  };
  button.textContent = data.label;
  button.onclick = () => copy(data.text).then(() => say("Copied"), () => say("The browser refused to copy"));
}
"""

_mount = st.components.v2.component("sightline_copy", html=_HTML, css=_CSS, js=_JS)


def copy_button(label: str, text: str, key: str) -> None:
    """A button named `label` that copies `text`."""
    _mount(key=key, data={"label": label, "text": text})
