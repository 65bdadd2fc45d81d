"""What a score hides: on which examples pruned models differ from dense ones, beyond what dense ones differ by.

Hooker et al. 2019, "What do compressed deep neural networks forget?", and 2020, "Characterising bias in compressed
models".
"""
