"""From WordNet and text to vocabulary folders. Needs the extra ``vocab``."""
