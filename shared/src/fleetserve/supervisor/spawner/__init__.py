"""Starting operating-system processes that never outlive the supervisor."""
