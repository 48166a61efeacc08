"""Nouns of order fulfilment and their rules; standard library and pydantic only."""
