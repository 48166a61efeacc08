"""One module for each thing that can be asked; each gives a router for a service."""
