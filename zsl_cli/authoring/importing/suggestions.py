"""Models of the hub that are worth a try. None of them has been downloaded here: what stands
beside each was read where ``source`` says."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Suggestion:
    """repositories: what ``zsl models pull`` takes; of several models in one, the ``variant``.

    license: as its makers name it; None where it was not read.
    size: of the model among its kind, ``small``, ``base`` or ``large``. megabytes: of what is
        fetched, in fp32, where it was read.
    languages: of texts. purpose: what it is good for. source: where all this was read.
    tried: whether somebody has downloaded it and looked.
    """

    repositories: str
    license: str | None
    size: str
    megabytes: int | None
    languages: str
    purpose: str
    source: str
    variant: str | None = None
    tried: bool = False


SUGGESTIONS = (
    Suggestion("Xenova/clip-vit-base-patch32", None, "base", None, "English",
               "the usual CLIP, small and quick",
               "https://github.com/huggingface/transformers.js"),
    Suggestion("Qdrant/clip-ViT-B-32-vision Qdrant/clip-ViT-B-32-text", "mit", "base", 606,
               "English", "the same network, from two repositories",
               "https://huggingface.co/Qdrant/clip-ViT-B-32-vision/tree/main"),
    Suggestion("Xenova/siglip-base-patch16-224", None, "base", 813, "English",
               "better than CLIP of its size, slower texts",
               "https://huggingface.co/Xenova/siglip-base-patch16-224/tree/main/onnx"),
    # its fp16 files are of half the size, as they were read
    Suggestion("onnx-community/siglip2-base-patch16-224-ONNX", "apache-2.0", "base", 1500, "many",
               "photos in several languages; most of it is the table of tokens",
               "https://huggingface.co/SortaPhotos/siglip2-base-patch16-224-onnx"),
    Suggestion("immich-app/ViT-B-16-SigLIP2__webli", None, "base", None, "many",
               "the same network, as photo libraries have it",
               "https://huggingface.co/collections/immich-app/clip"),
    Suggestion("immich-app/ViT-SO400M-16-SigLIP2-384__webli", None, "large", None,
               "many", "the best of Immich's by recall; for GPUs",
               "https://huggingface.co/collections/immich-app/clip"),
    Suggestion("immich-app/XLM-Roberta-Large-Vit-B-16Plus", None, "large", None,
               "many", "an older multilingual one, its image tower small",
               "https://huggingface.co/collections/immich-app/multilingual-clip"),
    Suggestion("plhery/mobileclip2-onnx", "apple-amlr", "small", None, "English",
               "very small and quick image towers",
               "https://huggingface.co/plhery/mobileclip2-onnx", variant="s0"),
)
