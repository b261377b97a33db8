"""The applications: one file for each, behind the command `zoo`."""
