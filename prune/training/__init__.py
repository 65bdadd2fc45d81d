"""Training: the Trainer, the losses, what is shown while it runs."""
