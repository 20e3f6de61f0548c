"""What stands around every page: the frame, sign-in, the server, the libraries that load at the start."""

__all__ = [
    "admission", "allowance", "base_path", "frame", "origin_key", "pieces", "private_streamlit", "request_guard", "serve", "sign_in",
    "warm_up",
]  # fmt: skip
