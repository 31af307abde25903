"""Facts: what the code of one file does, without judging it, computed over Python's own syntax
tree."""
