"""Fixtures every test may use. Nothing a test does reaches beyond loopback."""
