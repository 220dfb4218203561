"""Exported files on an emulated ARM processor: answers, and instructions per inference."""
