"""From a trained PyTorch checkpoint to a model folder. Needs the extra ``export``."""
