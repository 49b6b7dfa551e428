"""Bounceledger: what a bounce really said, and whom it is fair to suppress for it."""

__version__ = "0.1.0"
