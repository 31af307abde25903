"""What the code of one file does, without judging it: over Python's own syntax tree."""
