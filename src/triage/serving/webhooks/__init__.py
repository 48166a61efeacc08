"""What changes is told to declared receivers: signed, tried again, never lost."""
