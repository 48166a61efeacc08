"""The log of canonical records: mappings and imports that fill it, as-of reads of it."""
