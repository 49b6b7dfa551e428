"""Requests that providers send over HTTPS, and how they prove who sent them.

docs/webhooks.md describes what each scheme covers. Import from the modules, so that a function
loads only what it needs.
"""
