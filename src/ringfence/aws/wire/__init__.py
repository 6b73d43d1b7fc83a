"""Requests and answers in the form of AWS's JSON protocols, whatever the service."""
