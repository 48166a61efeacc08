"""What must never be lost: decisions, and what people did about them, in an auditable chain."""
