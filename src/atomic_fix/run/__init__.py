"""Finds, reads and writes files, and processes many of them."""
