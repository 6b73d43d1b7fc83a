"""What detector versions would have done with past events."""
