"""The port that the list of what was revoked is kept behind."""
