"""Migrations of the store; `Store.prepare` runs them."""
