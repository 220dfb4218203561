"""File formats, read and written as bytes and arrays; no module here knows a model."""
