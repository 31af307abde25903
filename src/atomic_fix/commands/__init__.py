"""What the command can be asked to do, one file each: a session in, an exit code out."""
