"""The demo: a customer's whole story on a system with simulators."""
