"""What a page keeps between runs: the session, uploads, work under way, and errors as a user reads them."""
