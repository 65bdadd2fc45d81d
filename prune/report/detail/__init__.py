"""What a run's folders know beyond its record: training curves, and what is left of each matrix. Nothing draws."""
