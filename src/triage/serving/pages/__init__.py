"""The pages of people: made on the server, whole without script."""
