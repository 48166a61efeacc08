"""Labels, splits, fitting, evaluation, gates, tracking: from the log to a champion."""
