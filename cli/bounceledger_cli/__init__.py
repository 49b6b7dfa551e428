"""The bounceledger command line."""
