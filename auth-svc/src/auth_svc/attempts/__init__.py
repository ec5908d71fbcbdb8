"""The port that failed logins are kept behind."""
