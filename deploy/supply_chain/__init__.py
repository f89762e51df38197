"""What this project takes from others: their licences, and whether they are known to be vulnerable."""
