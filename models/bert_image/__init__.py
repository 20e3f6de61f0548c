"""An image BERT for transformers: importing this package registers it with AutoConfig, AutoModel and AutoModelForImageClassification."""

from transformers import AutoConfig, AutoModel, AutoModelForImageClassification, AutoModelForMaskedImageModeling

from models.bert_image.capture import FormedAttention, attention_captured, attention_formed, attention_held
from models.bert_image.change import BertImageForChangeDetection
from models.bert_image.change_configuration import BertImageChangeConfig
from models.bert_image.configuration import BertImageConfig
from models.bert_image.masked import BertImageForClassificationAndMasking, BertImageForMaskedImageModelling
from models.bert_image.modelling import BertImageForImageClassification, BertImageModel, from_text_bert

AutoConfig.register(BertImageConfig.model_type, BertImageConfig, exist_ok=True)
AutoModel.register(BertImageConfig, BertImageModel, exist_ok=True)
AutoModelForImageClassification.register(BertImageConfig, BertImageForImageClassification, exist_ok=True)
AutoModelForMaskedImageModeling.register(BertImageConfig, BertImageForMaskedImageModelling, exist_ok=True)
AutoConfig.register(BertImageChangeConfig.model_type, BertImageChangeConfig, exist_ok=True)
AutoModel.register(BertImageChangeConfig, BertImageForChangeDetection, exist_ok=True)

__all__ = [
    "BertImageChangeConfig",
    "BertImageConfig",
    "BertImageForChangeDetection",
    "BertImageForClassificationAndMasking",
    "BertImageForImageClassification",
    "BertImageForMaskedImageModelling",
    "BertImageModel",
    "FormedAttention",
    "attention_captured",
    "attention_formed",
    "attention_held",
    "from_text_bert",
]
