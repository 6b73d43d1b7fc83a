"""Amazon Connect's API over the room of contacts: one file for each kind of resource.

Only what automated outbound calls need is served; the rest answers that it is not.
"""
