"""What looks over all workflows at once."""
