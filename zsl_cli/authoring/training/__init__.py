"""Training: the projection M from labelled images and fixed label vectors."""
