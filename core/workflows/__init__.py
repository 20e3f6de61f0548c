"""Whole ways through the house, from files to answers: what the pages and the command line both start."""
