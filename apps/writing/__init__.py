"""Output of the commands: answers, reports and pictures."""
