"""What all layers that drop share: their rate, their key while a model is keyed, and how they take another's place."""
