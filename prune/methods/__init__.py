"""Methods: how criteria and grains are spread over a model. One file = one kind, found by its name.

Most methods are a YAML in configs/method/ that uses the kind `fine_pruning`.
"""
