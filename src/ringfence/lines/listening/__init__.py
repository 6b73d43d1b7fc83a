"""What is heard on a line: who picked up, when one may speak, keys in the sound.

It runs inside the telephone process beside every call: the standard library is enough for it, and
it knows no clock; time is the samples that were heard.
"""
