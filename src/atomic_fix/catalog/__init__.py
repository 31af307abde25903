"""Rows, no logic: the APIs, words and errors that the checker knows."""
