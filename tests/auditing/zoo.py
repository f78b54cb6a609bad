"""Models that nobody here wrote, built from config, small; each is a function that gives a model and its input."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Made = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]
ZOO: dict[str, Callable[[], Made]] = {}
PACKAGES = ("torch", "transformers", "timm", "torchvision", "peft", "torch_geometric")


def entered(function: Callable[[], Made]) -> Callable[[], Made]:
    ZOO[function.__name__] = function
    return function


def package_of(name: str) -> str:
    return next((package for package in PACKAGES if name.startswith(package + "_")), "torch")


def load(package: str) -> Any:
    """A package. Of torchvision the Python alone, where its compiled operators are for another build of torch."""
    if package in {"torchvision", "timm", "peft", "transformers"} and importlib.util.find_spec("torchvision"):
        _load_torchvision()
    return importlib.import_module(package)


_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_KEPT: list[Any] = []


def _load_torchvision() -> None:
    while True:
        try:
            importlib.import_module("torchvision")
        except RuntimeError as problem:
            missing = _MISSING.search(str(problem))
            if missing is None:
                raise
            _KEPT.append(torch.library.Library("torchvision", "FRAGMENT"))
            _KEPT[-1].define(f"{missing[1]}(Tensor x) -> Tensor")  # detection's, which no model here has
            for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
                del sys.modules[name]
        else:
            return


IDS = {"input_ids": torch.arange(24).reshape(2, 12) % 60 + 3}
TEXT = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}


def hugging(name: str, inputs: dict[str, Any] | None = None, tail: str = "Model", **options: Any) -> None:
    """Enter a model of transformers'."""

    def make() -> Made:
        library = load("transformers")
        config = getattr(library, f"{name}Config")(**options)
        torch.manual_seed(0)
        return getattr(library, f"{name}{tail}")(config), (), dict(inputs or IDS)

    ZOO[f"transformers_{name}{tail}"] = make


MASKED = {**IDS, "attention_mask": torch.ones(2, 12, dtype=torch.long)}
BOTH = {**IDS, "decoder_input_ids": IDS["input_ids"][:, :7]}
SEQ2SEQ = {
    "vocab_size": 64,
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "pad_token_id": 1,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 32,
}
IMAGES = {"pixel_values": torch.linspace(-1, 1, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)}
VISION = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "image_size": 32,
    "patch_size": 8,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
}

hugging("Bert", **TEXT)
hugging("Bert", tail="ForSequenceClassification", **TEXT)
hugging("Roberta", **TEXT, pad_token_id=1)
hugging("Electra", **TEXT, embedding_size=16)
hugging("Albert", **TEXT, embedding_size=16, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1)
hugging("DistilBert", vocab_size=64, dim=32, n_layers=2, n_heads=4, hidden_dim=48)
hugging("GPT2", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=32)
hugging("GPT2", tail="LMHeadModel", vocab_size=64, n_embd=32, n_layer=2, n_head=4, n_positions=32)
hugging(
    "GPTNeo",
    vocab_size=64,
    hidden_size=32,
    num_layers=2,
    num_heads=4,
    attention_types=[[["global", "local"], 1]],
    intermediate_size=48,
    embed_dropout=0.1,
    resid_dropout=0.1,
    attention_dropout=0.1,
    max_position_embeddings=32,
)
hugging("GPTNeoX", **TEXT, hidden_dropout=0.1, attention_dropout=0.1)
hugging(
    "OPT",
    vocab_size=64,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    ffn_dim=48,
    word_embed_proj_dim=32,
    max_position_embeddings=32,
)
hugging("T5", BOTH, vocab_size=64, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4)
hugging("Bart", BOTH, **SEQ2SEQ, attention_dropout=0.1, activation_dropout=0.1)
hugging("Marian", BOTH, **SEQ2SEQ, decoder_start_token_id=2)
hugging("Pegasus", BOTH, **SEQ2SEQ)
hugging("XLNet", vocab_size=64, d_model=32, n_layer=2, n_head=4, d_inner=48)
hugging("Llama", **TEXT, attention_dropout=0.1)
hugging("Mistral", **TEXT, attention_dropout=0.1, num_key_value_heads=2)
hugging("Qwen2", **TEXT, attention_dropout=0.1, num_key_value_heads=2)
hugging("Phi", **TEXT, resid_pdrop=0.1, embd_pdrop=0.1, attention_dropout=0.1)
hugging("MPNet", **TEXT, pad_token_id=1)
hugging("DebertaV2", **TEXT, pooler_hidden_size=32)
hugging("ConvBert", MASKED, **TEXT, embedding_size=32)
hugging("ViT", IMAGES, **VISION)
hugging("DeiT", IMAGES, **VISION)
hugging("Beit", IMAGES, **VISION, drop_path_rate=0.2)
hugging(
    "Swin",
    IMAGES,
    image_size=32,
    patch_size=4,
    embed_dim=16,
    depths=[1, 1],
    num_heads=[2, 4],
    window_size=4,
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    drop_path_rate=0.2,
)
hugging("ConvNext", IMAGES, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], drop_path_rate=0.3)
hugging(
    "Wav2Vec2",
    {"input_values": torch.linspace(-1, 1, 1600).reshape(2, 800)},
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    conv_dim=(16, 16),
    conv_stride=(5, 4),
    conv_kernel=(10, 8),
    num_feat_extract_layers=2,
    num_conv_pos_embeddings=16,
    num_conv_pos_embedding_groups=4,
    mask_time_length=2,
    vocab_size=32,
)


def of_timm(name: str, size: int = 32, **options: Any) -> None:
    def make() -> Made:
        timm = load("timm")
        torch.manual_seed(0)
        model = timm.create_model(name, num_classes=5, **options)
        return model, (torch.linspace(-1, 1, 2 * 3 * size * size).reshape(2, 3, size, size),), {}

    ZOO[f"timm_{name}"] = make


SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
of_timm("vit_tiny_patch16_224", **SMALL, drop_rate=0.1, drop_path_rate=0.2, attn_drop_rate=0.1, proj_drop_rate=0.1)
of_timm("deit_tiny_patch16_224", **SMALL, drop_rate=0.1, drop_path_rate=0.2)
of_timm("resnet18", drop_rate=0.2, drop_path_rate=0.2)
of_timm("convnext_atto", drop_rate=0.1, drop_path_rate=0.3)
of_timm("efficientnet_b0", drop_rate=0.2, drop_path_rate=0.2)
of_timm("mobilenetv3_small_050", drop_rate=0.2)


def of_torchvision(name: str, size: int = 64, **options: Any) -> None:
    def make() -> Made:
        models = load("torchvision").models
        torch.manual_seed(0)
        model = getattr(models, name)(weights=None, num_classes=5, **options)
        return model, (torch.linspace(-1, 1, 2 * 3 * size * size).reshape(2, 3, size, size),), {}

    ZOO[f"torchvision_{name}"] = make


of_torchvision("alexnet")
of_torchvision("squeezenet1_1")
of_torchvision("mobilenet_v2")
of_torchvision("mobilenet_v3_small")
of_torchvision("efficientnet_b0")
of_torchvision("convnext_tiny", size=32)
of_torchvision("swin_t", size=32)
of_torchvision("densenet121", size=32, drop_rate=0.2)


@entered
def torchvision_vit() -> Made:
    kind = load("torchvision").models.VisionTransformer
    model = kind(32, 8, 2, 4, 32, 48, dropout=0.1, attention_dropout=0.1, num_classes=5)
    return model, (torch.ones(2, 3, 32, 32),), {}


def wrapped(name: str, base: str, targets: list[str], **options: Any) -> None:
    """Enter a model of transformers' with LoRA adapters."""

    def make() -> Made:
        peft = load("peft")
        model, args, kwargs = ZOO[base]()
        config = peft.LoraConfig(r=2, lora_dropout=0.05, target_modules=targets, **options)
        return peft.get_peft_model(model, config), args, kwargs

    ZOO[f"peft_{name}"] = make


wrapped("bert", "transformers_BertModel", ["query", "value"])
wrapped("gpt2", "transformers_GPT2LMHeadModel", ["c_attn"], fan_in_fan_out=True)
wrapped("llama_dora", "transformers_LlamaModel", ["q_proj"], use_dora=True)

EDGES = torch.tensor([[0, 1, 2, 3, 4, 5, 0], [1, 2, 3, 4, 5, 0, 3]])
NODES = torch.linspace(-1, 1, 48).reshape(6, 8)


def of_graphs(name: str, **options: Any) -> None:
    def make() -> Made:
        load("torch_geometric")
        kinds = importlib.import_module("torch_geometric.nn")
        return getattr(kinds, name)(8, 16, 2, 4, dropout=0.3, **options), (NODES, EDGES), {}

    ZOO[f"torch_geometric_{name}"] = make


for graph in ("GCN", "GAT", "GIN", "GraphSAGE"):
    of_graphs(graph)


@entered
def torch_transformer() -> Made:
    return nn.Transformer(16, 4, 2, 2, 24, batch_first=True), (torch.ones(2, 5, 16), torch.ones(2, 4, 16)), {}


@entered
def torch_encoder_norm_first() -> Made:
    layer = nn.TransformerEncoderLayer(16, 4, 24, batch_first=True, norm_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (torch.ones(2, 5, 16),), {}


@entered
def torch_lstm() -> Made:
    return nn.LSTM(8, 8, 3, dropout=0.2, bidirectional=True), (torch.ones(5, 2, 8),), {}


@entered
def torch_gru_packed() -> Made:
    packed = nn.utils.rnn.pack_padded_sequence(torch.ones(5, 2, 8), torch.tensor([5, 3]))
    return nn.GRU(8, 8, 2, dropout=0.2), (packed,), {}
