"""Work that takes longer than a request: trainings, batch imports, batch predictions, deletions.

A job is a row that an operation writes and a process of its own works on. Whoever dies, the row
says how far it came; the next process goes on from there.
"""
