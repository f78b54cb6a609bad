"""The machinery of masks: what names one, draws it, applies it, and keeps it out of memory."""
