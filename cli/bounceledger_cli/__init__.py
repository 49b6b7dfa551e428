"""The bounceledger command: what the layer knows, for people at a terminal."""
