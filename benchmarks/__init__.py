"""What is fast, measured: ratios against a named alternative in one run, never a timed test."""

import os

os.environ.setdefault("TRIAGE_CLOCK", "data")  # what is measured ended long ago
