"""What compute devices there are, what fits on them and what they are good for."""
