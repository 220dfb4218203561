"""Predictions of trained models and of exported files, with the names of the classes."""

from cctzoo.prediction.predictions import Prediction, predict

__all__ = ["Prediction", "predict"]
