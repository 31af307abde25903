"""What the files of a project say about each other: summaries, one of each file, are linked into
an index, and the index has for each file what the others say about it."""
