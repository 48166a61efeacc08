"""What came of scored orders, and what was done about them."""
