"""Methods: how a model is pruned.

One file or package = one method. Its name is `method.kind`; it assigns `METHOD`, a `prune.pipeline.method.Method`, with
the method's stages. What a stage does is imported when it is done, so that a config is checked before torch is loaded.
"""
