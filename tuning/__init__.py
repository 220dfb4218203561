"""Search for architectures that are accurate and fast on the device."""
