"""Who may ask: the door, keys and their scopes, sign-in, rates."""
