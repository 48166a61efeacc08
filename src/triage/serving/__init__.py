"""The service: an API for workflows and a list for people. It only advises."""
