"""What stands around every page: the frame, sign-in, the server, the libraries that load at the start."""

__all__ = ["admission", "allowance", "door", "frame", "private_streamlit", "serve", "sign_in", "warm_up"]
