"""What a person runs: one file an application, behind the command `zoo`."""
