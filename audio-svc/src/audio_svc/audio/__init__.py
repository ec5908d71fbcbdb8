"""Sound files and what is done to samples."""
