"""Open exceptions: their class, their queue, and what people say they were."""
