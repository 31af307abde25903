"""Evidence between the files of a project: summaries of all files are linked into an index, which
has for each file the evidence in the others."""
