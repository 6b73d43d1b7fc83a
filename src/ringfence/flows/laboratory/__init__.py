"""The laboratory: flows tried out against a scripted cardholder, in virtual time."""
