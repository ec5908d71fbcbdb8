"""The records of jobs, which are the truth about them: the port and its adapters."""
