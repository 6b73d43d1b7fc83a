"""The lines room."""
