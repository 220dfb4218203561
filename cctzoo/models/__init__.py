"""Models: the factories, and every listed variant as a function of its own name."""

from cctzoo.models.committee import SoftCommittee, soft_committee
from cctzoo.models.config import CCTConfig
from cctzoo.models.cost import multiply_accumulates
from cctzoo.models.features import feature_extractor, feature_names
from cctzoo.models.model import CCT
from cctzoo.models.quantised import is_quantised
from cctzoo.models.text_config import TextConfig
from cctzoo.models.variants import VARIANTS, variant_config
from cctzoo.models.vocabulary import Vocabulary
from cctzoo.zoo import (
    create_model,
    factory,
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
    *VARIANTS,
]

globals().update({variant: factory(variant) for variant in VARIANTS})
