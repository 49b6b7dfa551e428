"""Shapes of the HTTP API's requests and responses. The routes are in functions/lookup."""
