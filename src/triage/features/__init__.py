"""As-of features by declaration: one engine for many moments and for one."""
