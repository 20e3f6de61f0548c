"""Sightline: page configuration, sign-in, navigation. The pages draw; core knows."""

from __future__ import annotations

import streamlit as st

from core.ui.shell import frame, sign_in
from core.ui.shell.warm_up import ready
from core.ui.state.errors import guarded

st.set_page_config(page_title="Sightline", page_icon="assets/icon.png", layout="wide")
frame.dress()

home = st.Page("pages/home.py", title="Home", default=True)
page = st.navigation(
    [
        home,
        st.Page("pages/radiology.py", title="Radiology"),
        st.Page("pages/earth.py", title="Earth"),
        st.Page("pages/explain.py", title="Explain"),
        st.Page("pages/models.py", title="Models"),
    ],
    position="sidebar" if sign_in.is_signed_in() else "hidden",
)
if not sign_in.is_signed_in():  # after the navigation, so that who signs in comes to the page that was asked for
    sign_in.ask()
    st.stop()

foot = frame.sidebar()
with guarded():
    if page != home:  # which shows its tiles first
        ready()
    frame.tell_what_is_gone()
    page.run()
frame.running_work(foot)
