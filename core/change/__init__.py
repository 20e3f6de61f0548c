"""Two dates of one place: how far they differ, what counts as change, and the patches that change makes."""
