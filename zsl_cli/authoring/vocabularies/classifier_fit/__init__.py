"""From a classifier's weights and WordNet to a vocabulary folder and the maps into its space. Needs
the extra ``vocab``."""
