"""Published models: what they are, where they come from, how they want to be used.

Nothing here is downloaded unless a person asks for it. A hash is given only where the
publisher gives it: in a pointer of Git LFS, or as the first digits in a file's name.

References
----------
Chen et al. 2022, arXiv:2206.02647 (HIPT); Chen & Krishnan 2022, arXiv:2203.00585;
Ciga et al. 2022, arXiv:2011.13971; Kang et al. 2023, arXiv:2212.04690 (Lunit); Caron et
al. 2021, arXiv:2104.14294 (DINO); He et al. 2016, arXiv:1512.03385 (ResNet); Han et al.
2022, arXiv:2110.08048.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from napari_histossl.classes import BCSS_CLASSES, LUAD_CLASSES, ClassTable
from napari_histossl.errors import WeightsError
from napari_histossl.models.registry import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    UNCHANGED_MEAN,
    UNCHANGED_STD,
    ModelSpec,
    model_spec,
)

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A file of weights that somebody published.

    Attributes
    ----------
    name : str
        What it is called here.
    title : str
        One line for people.
    model : str
        Registered model that it is for.
    origin : str
        Page that it comes from.
    licence : str
        What its authors allow.
    config : mapping
        Options of the model where they are not the registered ones.
    tile_px : int
        Edge of the tile it is run on.
    mpp : float or None
        Micrometres per pixel it was trained at, or the usual one of several; None for
        pictures without a scale.
    mean, std : tuple of float
        Normalisation of RGB in [0, 1].
    url : str
        Where the file itself is; empty where it must be asked for.
    sha256 : str or None
        Its hash, or the first digits of it; None where the publisher gives none.
    size_bytes : int or None
        Its size where the publisher says it.
    classes : ClassTable or None
        Of a classifier or segmenter, in the order of its logits.
    recipe : str
        Whose numbers it is run with, "paper" or "published"; empty where it has none.
    """

    name: str
    title: str
    model: str
    origin: str
    licence: str
    config: Mapping[str, Any] = field(default_factory=dict)
    tile_px: int = 256
    mpp: float | None = 0.5
    mean: Triple = HALF
    std: Triple = HALF
    url: str = ""
    sha256: str | None = None
    size_bytes: int | None = None
    classes: ClassTable | None = None
    recipe: str = ""

    @property
    def spec(self) -> ModelSpec:
        """The model with this file's scale and normalisation."""
        spec = model_spec(self.model, **self.config)
        tile_px = self.tile_px if spec.reads_pixels else spec.tile_px
        return replace(
            spec,
            tile_px=tile_px,
            token_px=tile_px
            if spec.task == "features" and not spec.has_attention
            else spec.token_px,
            mpp=self.mpp,
            mean=self.mean,
            std=self.std,
            classes=self.classes,
            recipe=self.recipe,
        )

    @property
    def address(self) -> str:
        """Where the file itself is.

        Raises
        ------
        WeightsError
            If it must be asked for.
        """
        if not self.url:
            raise WeightsError(
                f"{self.name} cannot be fetched: its authors publish no address of the "
                f"file; ask at {self.origin}, then add the file with `napari-histossl "
                f"weights add FILE --published {self.name}`"
            )
        return self.url

    def is_hash_of(self, sha256: str) -> bool:
        """Return whether a file of this hash is this one, as far as is known."""
        return self.sha256 is not None and sha256.startswith(self.sha256)


_HIPT = "https://github.com/mahmoodlab/HIPT"
_HIPT_LICENCE = "Apache-2.0 with Commons Clause, not for commercial use"
_VIT_PATH = "https://github.com/Richarizardd/Self-Supervised-ViT-Path"
_CIGA = "https://github.com/ozanciga/self-supervised-histopathology"
_LUNIT = "https://github.com/lunit-io/benchmark-ssl-pathology"
_LUNIT_FILES = f"{_LUNIT}/releases/download/pretrained-weights"
_LUNIT_LICENCE = "Lunit Public License, research only"
_LUNIT_MEAN = (0.70322989, 0.53606487, 0.66096631)
_LUNIT_STD = (0.21716536, 0.26081574, 0.20723464)
_DINO = "https://github.com/facebookresearch/dino"
_DINO_FILES = "https://dl.fbaipublicfiles.com/dino"


_WSSS = "https://github.com/ChuHan89/WSSS-Tissue"


def _han(
    data: str, model: str, kind: str, mpp: float, classes: ClassTable
) -> PublishedModel:
    return PublishedModel(
        f"han_{data.split('-')[0].lower()}_{kind}",
        f"Han et al.'s {kind} of {data}, from labels of patches; to be asked for",
        model,
        _WSSS,
        "unknown: none is stated, so all rights are reserved",
        tile_px=224,
        mpp=mpp,
        mean=UNCHANGED_MEAN,
        std=UNCHANGED_STD,
        classes=classes,
        recipe="published",
    )


def _lunit(name: str, title: str, model: str, file: str, **config: int) -> Any:
    return PublishedModel(
        name,
        f"{title}, 19 M patches of TCGA at 0.5 and 0.25 um/px",
        model,
        _LUNIT,
        _LUNIT_LICENCE,
        config,
        tile_px=224,
        mean=_LUNIT_MEAN,
        std=_LUNIT_STD,
        url=f"{_LUNIT_FILES}/{file}",
    )


PUBLISHED: tuple[PublishedModel, ...] = (
    PublishedModel(
        "hipt_vit256",
        "HIPT's patch model: ViT-S/16, DINO on 256 px patches of TCGA",
        "vit_small_patch16",
        _HIPT,
        _HIPT_LICENCE,
        url=f"{_HIPT}/raw/HEAD/HIPT_4K/Checkpoints/vit256_small_dino.pth",
        sha256="6960cd5a8657dc8bb214671aa0c6dbd3f5b698e84386884955836487ddc89e24",
        size_bytes=704_238_867,
    ),
    PublishedModel(
        "hipt_vit4k",
        "HIPT's region model, over 16 x 16 features of the patch model",
        "hipt_vit4k_xs",
        _HIPT,
        _HIPT_LICENCE,
        url=f"{_HIPT}/raw/HEAD/HIPT_4K/Checkpoints/vit4k_xs_dino.pth",
        sha256="2b0bd9e9a602a35f2bb3f76da39d2b53a91f23fc3f115dc59a63267d95ad2b7b",
        size_bytes=395_710_078,
    ),
    PublishedModel(
        "vits_tcga_brca_dino",
        "ViT-S/16, DINO on 2 M patches of TCGA-BRCA",
        "vit_small_patch16",
        _VIT_PATH,
        "GPL-3.0",
        url=f"{_VIT_PATH}/raw/HEAD/ckpts/vits_tcga_brca_dino.pt",
        sha256="d04e3718649a13a5a49ae5c274ae3aefb9deb229ef5194106bb8ecbfd4f00c61",
        size_bytes=704_238_867,
    ),
    PublishedModel(
        "resnet50_tcga_brca_simclr",
        "ResNet-50, SimCLR on 2 M patches of TCGA-BRCA",
        "resnet50_simclr",
        _VIT_PATH,
        "GPL-3.0",
        url=f"{_VIT_PATH}/raw/HEAD/ckpts/resnet50_tcga_brca_simclr.pt",
        sha256="88cf6fad519b1bac02e145578a1bae3ba89631ed580ddf65a780ef20de0d98cd",
        size_bytes=94_351_453,
    ),
    PublishedModel(
        "ciga_resnet18",
        "ResNet-18, SimCLR on histology of many sets and magnifications",
        "resnet18_simclr",
        _CIGA,
        "MIT",
        tile_px=224,
        url=f"{_CIGA}/releases/download/tenpercent/tenpercent_resnet18.ckpt",
    ),
    PublishedModel(
        "imagenet_resnet50_trunc",
        "ImageNet's ResNet-50 up to its third stage: the baseline of CLAM",
        "resnet50_trunc",
        "https://github.com/pytorch/vision",
        "BSD-3-Clause",
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        url="https://download.pytorch.org/models/resnet50-19c8e357.pth",
        sha256="19c8e357",
    ),
    _lunit(
        "lunit_vits16_dino",
        "ViT-S/16, DINO",
        "vit_small_patch16",
        "dino_vit_small_patch16_ep200.torch",
    ),
    _lunit(
        "lunit_vits8_dino",
        "ViT-S/8, DINO",
        "vit_small_patch16",
        "dino_vit_small_patch8_ep200.torch",
        patch_size=8,
    ),
    _lunit(
        "lunit_resnet50_mocov2",
        "ResNet-50, MoCo v2",
        "resnet50_simclr",
        "mocov2_rn50_ep200.torch",
    ),
    _han("LUAD-HistoSeg", "resnet38", "classifier", 1.0, LUAD_CLASSES),
    _han("LUAD-HistoSeg", "deeplabv3plus", "segmenter", 1.0, LUAD_CLASSES),
    _han("BCSS-WSSS", "resnet38", "classifier", 0.25, BCSS_CLASSES),
    _han("BCSS-WSSS", "deeplabv3plus", "segmenter", 0.25, BCSS_CLASSES),
    PublishedModel(
        "dino_vits16",
        "ViT-S/16, DINO on ImageNet: photographs, for comparison",
        "vit_small_patch16",
        _DINO,
        "Apache-2.0",
        mpp=None,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        url=f"{_DINO_FILES}/dino_deitsmall16_pretrain/dino_deitsmall16_pretrain.pth",
    ),
)
"""Published models that run here, those of histology first."""


def find_published(name: str) -> PublishedModel:
    """Return a published model by name.

    Raises
    ------
    WeightsError
        If there is none of the name.

    Examples
    --------
    >>> find_published("ciga_resnet18").spec.feature_dim
    512
    """
    found = next((entry for entry in PUBLISHED if entry.name == name), None)
    if found is None:
        raise WeightsError(
            f"there is no published model {name!r} in the table; it has "
            f"{', '.join(entry.name for entry in PUBLISHED)}"
        )
    return found


def published_with_hash(sha256: str) -> PublishedModel | None:
    """Return the published model whose file has a hash, or None."""
    return next((entry for entry in PUBLISHED if entry.is_hash_of(sha256)), None)
