"""droplab."""
