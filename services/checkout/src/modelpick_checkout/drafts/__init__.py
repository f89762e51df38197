"""What a customer prepares: prompt, models, images, and what running it will cost."""
