"""The port that users are kept behind."""
