"""Look-alikes of other companies' order histories, and mappings that a stranger would write."""
