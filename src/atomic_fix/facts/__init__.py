"""What the code does, without judging it."""
