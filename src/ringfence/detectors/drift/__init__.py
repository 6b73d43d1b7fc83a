"""Whether events still look as they did when a model version was trained."""
