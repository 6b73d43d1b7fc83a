"""Ways out to and in from others' systems: decisions as they are made, to a webhook, a file or a
broker.

Knows what a decision is and nothing of cases or of who asked.
"""
