"""What is fast, measured: ratios against a named alternative in one run, never a timed test."""
