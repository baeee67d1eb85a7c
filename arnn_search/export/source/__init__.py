"""A Keras model written as Python that builds it, layer by layer."""
