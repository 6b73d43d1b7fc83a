"""The Twilio line: calls by Twilio's REST API, held document by document (TwiML).

Twilio asks for a document, carries it out, and asks for the next one with the key that was
pressed. The conversation runs here; what it wants said, played or listened for is in the document
that Twilio waits for.
"""
