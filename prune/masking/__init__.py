"""The mathematics of masks: grains, binarisation, schedules, and masks on a model. Imports torch only."""
