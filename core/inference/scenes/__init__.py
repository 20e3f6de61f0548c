"""What a model says of whole scenes, of one date or two, strip by strip."""
