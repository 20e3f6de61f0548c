"""The Explain page: an image, a map a method, agreement, attention of a patch."""
