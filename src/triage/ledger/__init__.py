"""What must never be lost: decisions and what people did about them, in a chain that can be audited."""
