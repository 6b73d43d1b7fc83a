"""Detector versions that score live events beside the one that decides, and how they compare."""
