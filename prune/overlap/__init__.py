"""How far runs agree on what they keep, beyond chance: the Jaccard index of masks. Reads no file."""
