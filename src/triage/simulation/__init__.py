"""A distributor with known truth: the small sample, and the worlds that backtests need."""
