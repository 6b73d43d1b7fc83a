"""Contacts: each conversation on a telephone, and the instance that it is held in.

Here the contact flows, queues, hours and prompts that flows name are kept and found, contacts are
placed on lines and their course is written down: attributes, events, records and flow logs. This
room knows nothing of cases; a case's attempt is one contact.
"""
