"""The line over a real Amazon Connect instance, whose flow holds the conversation."""
