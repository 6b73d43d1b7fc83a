"""Speech: a prompt becomes sound with captions."""
