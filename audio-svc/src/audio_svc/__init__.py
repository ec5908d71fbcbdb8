"""Speech synthesis and recognition."""
