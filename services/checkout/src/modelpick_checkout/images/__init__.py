"""Uploaded images: checked, stored, ordered and served to their owner."""
