"""Which files, what they hold, and what is written back."""
