"""Users, logins, tokens and API keys of a fleet."""
