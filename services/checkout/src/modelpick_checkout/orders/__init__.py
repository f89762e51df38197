"""From a ready draft to a paid order: orders and their Checkout Sessions."""
