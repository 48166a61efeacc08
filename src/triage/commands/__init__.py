"""The commands of `triage`, by what they are about; each imports what it needs when it is run."""
