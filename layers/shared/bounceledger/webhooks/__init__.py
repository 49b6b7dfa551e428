"""Requests that providers send by HTTPS: whether they are the provider's own.

Verification only: nothing here reads an event. Import from the modules, so that a function loads
only what it needs.
"""
