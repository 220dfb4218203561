"""The model, its config, and functions that build every listed model by name."""

from cctzoo import named_models
from cctzoo.models.attention import with_attention
from cctzoo.models.committee import SoftCommittee, soft_committee
from cctzoo.models.config import CCTConfig
from cctzoo.models.cost import multiply_accumulates
from cctzoo.models.features import feature_extractor, feature_names
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.text_config import TextConfig
from cctzoo.models.variants import variant_config
from cctzoo.models.vocabulary import Vocabulary
from cctzoo.named_models import *  # noqa: F403
from cctzoo.zoo import (
    create_model,
    list_models,
    model_table,
    text_cct,
    text_cvt,
    text_transformer,
    text_vit,
)

__all__ = [
    "CCT",
    "CCTConfig",
    "SoftCommittee",
    "TextConfig",
    "Vocabulary",
    "create_model",
    "feature_extractor",
    "feature_names",
    "is_quantised",
    "list_models",
    "model_table",
    "multiply_accumulates",
    "soft_committee",
    "text_cct",
    "text_cvt",
    "text_transformer",
    "text_vit",
    "variant_config",
    "with_attention",
]
__all__ += named_models.__all__
