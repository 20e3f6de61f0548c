"""Images of a training: read, divided, drawn and changed."""
