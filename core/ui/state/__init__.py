"""What a page keeps between runs: the session, uploads, work under way, and errors as a user reads them."""

__all__ = ["errors", "guests", "open_page", "progress", "session", "uploads"]
