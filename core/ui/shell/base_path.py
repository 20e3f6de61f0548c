"""Addresses of a server that does not stand at the root of its host (Streamlit's `server.baseUrlPath`)."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """`/name` without a slash at its end; nothing at the root."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def address_of(path: str) -> str:
    """The address on this host of a path of the application."""
    return base_path() + path


def path_below_base(path: str) -> str:
    """The path of the application that an address on this host means; an address that lies elsewhere stays as it is."""
    base = base_path()
    return path.removeprefix(base) or "/" if base and (path == base or path.startswith(f"{base}/")) else path
