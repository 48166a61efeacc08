"""What people do with orders: acts on record, folded into a state."""
