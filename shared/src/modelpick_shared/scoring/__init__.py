"""Is an answer right? Strict and relaxed match, and the differences by path."""
