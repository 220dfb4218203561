"""Files that are not what they say: each a name and bytes, made from a sound checkpoint."""
