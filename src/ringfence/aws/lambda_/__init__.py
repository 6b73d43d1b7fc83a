"""AWS Lambda's API over the room of functions: invoke them, and look which there are.

Functions are registered by our own API and command line; creating them as AWS Lambda does, from an
archive of code, is not offered.
"""
