"""Regions: memory of whole pages, mapped for whoever asks."""
