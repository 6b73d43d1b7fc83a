"""Moving house: everything that an account of Amazon Fraud Detector has, made again here.

`source` reads it over the wire, from any endpoint; the other files make it here by the operations
that clients call. What exists here already is left as it is, so a move may be begun again after
whatever stopped it.
"""
