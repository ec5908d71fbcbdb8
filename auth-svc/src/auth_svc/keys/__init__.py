"""The port that API keys are kept behind."""
