"""Triage: which open orders will be late, why, and what to look at first."""

__version__ = "0.1.0"
