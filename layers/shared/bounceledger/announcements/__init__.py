"""Announces on an event bus what changed: which addresses and domains are suppressed, or no longer.

docs/events.md describes the events for those who receive them.
"""
