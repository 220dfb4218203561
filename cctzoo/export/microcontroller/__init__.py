"""Models as C++ sources for TensorFlow Lite Micro, which runs on microcontrollers."""

from cctzoo.export.microcontroller.folder import MicrocontrollerReport, to_microcontroller

__all__ = ["MicrocontrollerReport", "to_microcontroller"]
