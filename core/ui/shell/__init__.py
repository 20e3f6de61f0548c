"""What stands around every page: the frame, sign-in, the server, the libraries that load at the start."""
