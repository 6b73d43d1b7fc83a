"""Ringfence: score a card payment, ring the cardholder, act on the answer, learn from it."""

__version__ = "0.1.0"
