"""One explanation method a file, one signature."""
