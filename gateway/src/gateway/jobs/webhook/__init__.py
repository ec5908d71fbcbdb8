"""Telling a job's end to an address that its caller gave, as Standard Webhooks has it."""
