"""ViT, DeiT, BEiT, Swin, DINOv2 and DINOv3 checkpoints of transformers, in the place of our own networks."""

from models.encoders.classifier import ImageEncoderForClassification
from models.encoders.families import EncoderConfig, encoder_config
from models.encoders.opening import encoder_facts, open_encoder, start_encoder

__all__ = [
    "EncoderConfig",
    "ImageEncoderForClassification",
    "encoder_config",
    "encoder_facts",
    "open_encoder",
    "start_encoder",
]
