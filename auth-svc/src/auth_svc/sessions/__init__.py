"""The port that logins are kept behind."""
