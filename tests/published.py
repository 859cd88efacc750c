"""Small CLIP and SigLIP models with random weights, published as ready ONNX graphs in the layouts
that people publish."""

import json
import os
import shutil
import subprocess
import sys
import warnings

import networks

_PREPROCESSOR = "preprocessor_config.json"


_BLOCKED = """
import sys

class _NotHere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, _NotHere())
from zsl_cli.cli import main
main()
"""
_MISSING = ("torch", "transformers", "timm", "open_clip", "torchvision", "onnxscript", "skimage",
            "sentencepiece")


def zsl(*arguments, env=None, missing=_MISSING):
    """The command line where PyTorch, and what is built on it, is not installed."""
    return subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {missing}\n{_BLOCKED}", *map(str, arguments)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "-1", **(env or {})}, capture_output=True,
        text=True, timeout=300, check=False)


def clip(folder, **options):
    """A small CLIP of transformers with a tokenizer.json; returns it."""
    model = networks.write_clip(folder, **options)
    model.set_attn_implementation("eager")
    with_tokenizer_json(folder)
    return model


def siglip(folder, **options):
    """The same, SigLIP."""
    model = networks.write_siglip(folder, **{"tokens": 128, **options})
    model.logit_scale.data.fill_(3.2)
    model.logit_bias.data.fill_(-4.0)
    model.save_pretrained(folder)
    model.set_attn_implementation("eager")
    with_tokenizer_json(folder)
    return model


def with_tokenizer_json(folder, rows=0):
    """The tokenizer as transformers.js has it: without padding, which is switched on by whoever
    loads it; filled up with tokens that stand for nothing, to be of so many."""
    from zsl_cli.authoring.networks import tokenization

    tokenizer = tokenization.from_folder(folder, 32)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.add_tokens([f"<nothing {number}>"
                          for number in range(rows - tokenizer.get_vocab_size())])
    tokenizer.save(str(folder / "tokenizer.json"))
    file = folder / "tokenizer_config.json"
    pad = "</s>" if tokenizer.token_to_id("</s>") is not None else "<|endoftext|>"
    file.write_text(json.dumps({**json.loads(file.read_text()), "pad_token": pad}))


def towers(model):
    """The two halves of a dual encoder of transformers as modules with one argument each."""
    import torch

    class Vision(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, pixel_values):
            output = model.vision_model(pixel_values=pixel_values)
            if hasattr(model, "visual_projection"):
                return model.visual_projection(output.pooler_output)
            return output.last_hidden_state, output.pooler_output

    class Text(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids):
            output = model.text_model(input_ids=input_ids)
            if hasattr(model, "text_projection"):
                return model.text_projection(output.pooler_output)
            return output.last_hidden_state, output.pooler_output

    return Vision().eval(), Text().eval()


def write_onnx(module, examples, names, outputs, path, dynamic=True, opset=14):
    """An ONNX file as optimum wrote it, by the exporter that traces."""
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {name: {axis: f"{name}_{axis}" for axis in range(value.ndim)}
            for name, value in zip(names, examples, strict=True)}
    axes |= {name: {0: f"{name}_0"} for name in outputs}
    torch.backends.mha.set_fastpath_enabled(False)  # which has no form in ONNX
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, tuple(examples), str(path), dynamo=False, opset_version=opset,
                          dynamic_axes=axes if dynamic else None, input_names=list(names),
                          output_names=list(outputs))


def transformers_js(model, folder, target):
    """transformers.js' layout with two graphs, of what ``clip`` or ``siglip`` has written."""
    import torch

    side = model.config.vision_config.image_size
    tokens = model.config.text_config.max_position_embeddings
    vision, text = towers(model)
    is_clip = hasattr(model, "visual_projection")
    _copy_settings(folder, target)
    write_onnx(vision, [torch.zeros(2, 3, side, side)], ["pixel_values"],
               ["image_embeds"] if is_clip else ["last_hidden_state", "pooler_output"],
               target / "onnx" / "vision_model.onnx")
    write_onnx(text, [torch.ones(2, 7 if is_clip else tokens, dtype=torch.int64)], ["input_ids"],
               ["text_embeds"] if is_clip else ["last_hidden_state", "pooler_output"],
               target / "onnx" / "text_model.onnx")
    return target


def _copy_settings(folder, target):
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", _PREPROCESSOR):
        shutil.copy(folder / name, target / name)


def merged(model, folder, target):
    """One graph of both halves, as transformers gives them, with the scaled logits; a mask is
    taken by those that look at one."""
    import torch

    masked = hasattr(model, "visual_projection")

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, pixel_values, attention_mask=None):
            output = model(input_ids=input_ids, pixel_values=pixel_values,
                           attention_mask=attention_mask)
            return (output.logits_per_image, output.logits_per_text, output.text_embeds,
                    output.image_embeds)

    side = model.config.vision_config.image_size
    tokens = 7 if masked else model.config.text_config.max_position_embeddings
    ids = torch.ones(3, tokens, dtype=torch.int64)
    _copy_settings(folder, target)
    write_onnx(Both().eval(), [ids, torch.zeros(2, 3, side, side), *([ids] if masked else [])],
               ["input_ids", "pixel_values", *(["attention_mask"] if masked else [])],
               ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"],
               target / "onnx" / "model.onnx")
    return target


def jina_clip(model, folder, target):
    """One graph of both halves as Jina publishes its own: vectors as they are and of unit length,
    no logits, and both inputs needed."""
    import torch
    from torch.nn import functional

    vision, text = towers(model)

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vision, self.text = vision, text

        def forward(self, input_ids, pixel_values):
            texts, images = self.text(input_ids), self.vision(pixel_values)
            return texts, images, functional.normalize(texts), functional.normalize(images)

    side = model.config.vision_config.image_size
    _copy_settings(folder, target)
    write_onnx(Both().eval(), [torch.ones(3, 7, dtype=torch.int64), torch.zeros(2, 3, side, side)],
               ["input_ids", "pixel_values"],
               ["text_embeddings", "image_embeddings", "l2norm_text_embeddings",
                "l2norm_image_embeddings"], target / "onnx" / "model.onnx")
    settings = json.loads((folder / _PREPROCESSOR).read_text())
    (target / _PREPROCESSOR).write_text(json.dumps({
        "auto_map": {"AutoImageProcessor": "jinaai/x--processing_clip.JinaCLIPImageProcessor"},
        "image_processor_type": "JinaCLIPImageProcessor", "processor_class": "JinaCLIPProcessor",
        "size": side, "mean": settings["image_mean"], "std": settings["image_std"],
        "resize_mode": "shortest", "interpolation": "bicubic", "fill_color": 0}))
    (target / "config.json").write_text(json.dumps({
        "model_type": "jina_clip", "logit_scale_init_value": 2.6592,
        "text_config": {"model_type": "jina_clip_text"},
        "vision_config": {"image_size": side, "model_type": "jina_clip_vision"}}))
    return target


def in_half_precision(folder):
    """Beside each graph one with float16 inside, float32 outside, and the name's suffix."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    for path in sorted((folder / "onnx").glob("*_model.onnx")):
        half = convert_float_to_float16(onnx.load(path), keep_io_types=True)
        onnx.save(half, path.with_name(f"{path.stem}_fp16.onnx"))


def in_int8(folder):
    """Beside each graph one with int8 weights and activations rounded as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    for path in sorted((folder / "onnx").glob("*_model.onnx")):
        quantize_dynamic(path, path.with_name(f"{path.stem}_quantized.onnx"), per_channel=True,
                         weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"],
                         # seven bits: the sums of eight overflow on processors without VNNI
                         reduce_range=True,
                         extra_options={"MatMulConstBOnly": True})


def in_four_bits(folder):
    """Beside each graph one with the weights of its matrices in blocks of four bits."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    for path in sorted((folder / "onnx").glob("*_model.onnx")):
        quantizer = MatMulNBitsQuantizer(onnx.load(path), block_size=16, is_symmetric=True)
        quantizer.process()
        onnx.save(quantizer.model.model, path.with_name(f"{path.stem}_q4.onnx"))


def with_weights_beside(path, one_file_a_tensor=False):
    """The same graph, its weights in other files."""
    import onnx

    model = onnx.load(path)
    path.unlink()
    onnx.save(model, path, save_as_external_data=True, size_threshold=64,
              all_tensors_to_one_file=not one_file_a_tensor,
              location=None if one_file_a_tensor else f"{path.name}_data")


def immich(model, folder, target, clean=None):
    """Immich's layout: two folders, vectors of unit length, the batch fixed at 1, int32."""
    import torch
    from torch.nn import functional

    vision, text = towers(model)

    class Unit(torch.nn.Module):
        def __init__(self, tower):
            super().__init__()
            self.tower = tower

        def forward(self, given):
            output = self.tower(given)
            return functional.normalize(output[1] if isinstance(output, tuple) else output, dim=-1)

    config = model.config
    side, tokens = config.vision_config.image_size, config.text_config.max_position_embeddings
    write_onnx(Unit(vision).eval(), [torch.zeros(1, 3, side, side)], ["image"], ["embedding"],
               target / "visual" / "model.onnx", dynamic=False)
    write_onnx(Unit(text).eval(), [torch.ones(1, tokens, dtype=torch.int32)], ["text"],
               ["embedding"], target / "textual" / "model.onnx", dynamic=False)
    (target / "config.json").write_text(json.dumps({
        "embed_dim": 24, "vision_cfg": {"image_size": side},
        "text_cfg": {"context_length": tokens, "hf_tokenizer_name": "some/where",
                     "tokenizer_kwargs": {"clean": clean} if clean else {}}}))
    settings = json.loads((folder / _PREPROCESSOR).read_text())
    squashes = "height" in str(settings["size"])
    (target / "visual" / "preprocess_cfg.json").write_text(json.dumps({
        "size": [side, side], "mode": "RGB", "mean": settings["image_mean"],
        "std": settings["image_std"], "interpolation": "bicubic", "fill_color": 0,
        "resize_mode": "squash" if squashes else "shortest"}))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, target / "textual" / name)
    return target


def qdrant(model, folder, target):
    """Qdrant's two repositories; returns their folders."""
    both = transformers_js(model, folder, target / "both")
    for half, source in (("vision", "vision_model"), ("text", "text_model")):
        (target / half).mkdir()
        shutil.copy(both / "onnx" / f"{source}.onnx", target / half / "model.onnx")
        shutil.copy(folder / "config.json", target / half)
    shutil.copy(folder / _PREPROCESSOR, target / "vision")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, target / "text")
    return target / "vision", target / "text"


def immich_of_open_clip(model, target, side, context=77):
    """Immich's layout of a model of OpenCLIP's, as Immich's exporter writes it."""
    import torch

    from zsl_cli.authoring.networks import tokenization

    class Image(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, image):
            return self.model.encode_image(image, normalize=True)

    class Text(Image):
        def forward(self, text):
            return self.model.encode_text(text, normalize=True)

    write_onnx(Image().eval(), [torch.zeros(1, 3, side, side)], ["image"], ["embedding"],
               target / "visual" / "model.onnx", dynamic=False)
    write_onnx(Text().eval(), [torch.ones(1, context, dtype=torch.int32)], ["text"],
               ["embedding"], target / "textual" / "model.onnx", dynamic=False)
    (target / "config.json").write_text(json.dumps({
        "embed_dim": 32, "vision_cfg": {"image_size": side}, "text_cfg": {
            "context_length": context, "vocab_size": 49_408}}))
    (target / "visual" / "preprocess_cfg.json").write_text(json.dumps({
        "size": [side, side], "mode": "RGB", "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic",
        "resize_mode": "shortest", "fill_color": 0}))
    tokenizer = tokenization.from_open_clip("ViT-B-32", context)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(target / "textual" / "tokenizer.json"))
    (target / "textual" / "tokenizer_config.json").write_text(json.dumps(
        {"pad_token": "<end_of_text>", "model_max_length": context}))
    return target
