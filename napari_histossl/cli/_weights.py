"""Weights: which there are, what is in a file, and more of them, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._common import show_progress
from napari_histossl.errors import WeightsError

if TYPE_CHECKING:
    from napari_histossl.models import ModelSpec, StoredWeights, WeightsRecord

NameOption = Annotated[
    str, typer.Option(help="What to call them; by default as the file.")
]
ModelOption = Annotated[str, typer.Option(help="Model, for a file that does not tell.")]
PublishedOption = Annotated[
    str, typer.Option("--published", help="Which published model the file is.")
]
ScaleOption = Annotated[
    float | None,
    typer.Option(help="Micrometres per pixel that it was trained at."),
]
NormalisationOption = Annotated[
    str,
    typer.Option(
        help="half, imagenet, or mean and deviation as 0.7,0.5,0.6/0.2,0.3,0.2."
    ),
]
HeadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Attention heads, where they are not 64 numbers each."),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace weights of the same name.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    weights = typer.Typer(
        help="List, check, add and fetch weights of models.", no_args_is_help=True
    )
    weights.command("list")(list_all)
    weights.command("check")(check)
    weights.command("add")(add)
    weights.command("fetch")(fetch)
    app.add_typer(weights, name="weights")


def list_all() -> None:
    """Show the weights that were added, and the published ones that are known."""
    from napari_histossl.models import PUBLISHED, list_weights, weights_folder

    stored = list_weights()
    print(f"added, in {weights_folder()}")
    for entry in stored:
        what = entry.problem if entry.spec is None else _short(entry.spec)
        print(f"  {entry.name:<26} {what}")
    if not stored:
        print("  none yet; add a file with `weights add FILE`")
    print("published; `weights fetch NAME` fetches one from where it comes from")
    for known in PUBLISHED:
        print(f"  {known.name:<26} {known.title}")
        print(f"  {'':<26} {known.origin}; {known.licence}")
        print(f"  {'':<26} {_short(known.spec)}; {_hash_known(known.sha256)}")


def check(
    file: Annotated[Path, typer.Argument(help="A file of weights.")],
    model: ModelOption = "",
    published: PublishedOption = "",
    heads: HeadsOption = None,
) -> None:
    """Say what a file of weights is, and whether it can be used.

    Nothing in the file is run. Names every tensor that is missing, extra, of another
    shape, or left out, and ends with an error if the file cannot be used.
    """
    from napari_histossl.models import examine_weights
    from napari_histossl.models.weights import fit_of, load_spec

    record = examine_weights(file, num_heads=heads)
    _print_record(record)
    spec = _spec(record, model=model, published=published)
    print(f"model     {_short(spec)}")
    fit = fit_of(spec, file)
    for kind in ("missing", "extra", "reshaped", "left_out"):
        for key in getattr(fit, kind):
            print(f"{kind.replace('_', ' '):<9} {key}")
    tensors = load_spec(spec, file).state_dict()
    print(f"tensors   {len(tensors)}, all there, all of the right shape, all finite")


def add(
    file: Annotated[Path, typer.Argument(help="A file of weights.")],
    name: NameOption = "",
    model: ModelOption = "",
    published: PublishedOption = "",
    mpp: ScaleOption = None,
    normalisation: NormalisationOption = "",
    heads: HeadsOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Check a file of weights and keep it, to be used by name.

    What is kept is the model alone, with all that is known about it; the file stays
    where it is. What the file says can be put right with the options.
    """
    from napari_histossl.models import add_weights, examine_weights

    record = examine_weights(file, num_heads=heads)
    spec = _spec(record, model, published, mpp, normalisation)
    added = add_weights(
        file,
        name=name or published,
        spec=spec,
        provenance=_origin(published),
        overwrite=overwrite,
    )
    _print_added(added)


def fetch(
    source: Annotated[
        str, typer.Argument(help="A published model's name, or an https:// address.")
    ],
    name: NameOption = "",
    model: ModelOption = "",
    mpp: ScaleOption = None,
    normalisation: NormalisationOption = "",
    heads: HeadsOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Download weights, check them, and keep them, to be used by name.

    A download that was interrupted goes on when the same command is given again.
    """
    from napari_histossl.models import find_published, weights_folder
    from napari_histossl.models.download import download

    is_address = "://" in source
    known = None if is_address else find_published(source)
    url = source if known is None else known.address
    if known is not None:
        print(f"{known.title}\n{known.origin}; licence: {known.licence}")
    file = weights_folder() / "downloads" / url.rsplit("/", 1)[-1]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"{file.parent} cannot be made ({error.strerror})"
        ) from error
    if not file.exists():
        digest = None if known is None else known.sha256
        show_progress(download(url, file, sha256=digest), "MB")
    published = "" if known is None else known.name
    add(file, name, model, published, mpp, normalisation, heads, overwrite)
    file.unlink()


def _spec(
    record: WeightsRecord,
    model: str = "",
    published: str = "",
    mpp: float | None = None,
    normalisation: str = "",
) -> ModelSpec:
    from napari_histossl.models import find_published
    from napari_histossl.models.library import spec_for

    return spec_for(
        record,
        model=model,
        published=find_published(published) if published else None,
        mpp=mpp,
        normalisation=_normalisation(normalisation),
    )


def _normalisation(
    text: str,
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    from napari_histossl.models.registry import HALF, IMAGENET_MEAN, IMAGENET_STD

    named = {"": None, "half": (HALF, HALF), "imagenet": (IMAGENET_MEAN, IMAGENET_STD)}
    if text in named:
        return named[text]
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError:
        mean = std = ()
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise WeightsError(
            f"a normalisation is half, imagenet, or three means and three deviations "
            f"such as 0.7,0.5,0.6/0.2,0.3,0.2; got {text!r}"
        )
    return mean, std


def _origin(published: str) -> dict[str, str]:
    from napari_histossl.models import find_published

    if not published:
        return {}
    known = find_published(published)
    return {
        "published": known.name,
        "origin": known.origin,
        "licence": known.licence,
    }


# ---- Printing ----


def _short(spec: ModelSpec) -> str:
    scale = "scale not known" if spec.mpp is None else f"{spec.mpp:g} um/px"
    unit = "px" if spec.reads_pixels else "features"
    mean, std = (",".join(f"{v:g}" for v in three) for three in (spec.mean, spec.std))
    return (
        f"{spec.name}, {_gives(spec)}, tiles of {spec.tile_px} {unit}, {scale}, "
        f"normalised {mean}/{std}"
    )


def _gives(spec: ModelSpec) -> str:
    """Return heads and features of a model, or its classes."""
    if spec.classes is not None:
        names = ", ".join(info.name for info in spec.classes)
        return f"{spec.gives}: {names}"
    if spec.task != "features":
        return f"{spec.gives}, {spec.n_classes} without names"
    kind = f"{spec.heads} heads" if spec.has_attention else "no attention"
    return f"{kind}, {spec.feature_dim} features"


def _hash_known(sha256: str | None) -> str:
    return "hash not published" if sha256 is None else f"sha256 {sha256[:12]}"


def _print_record(record: WeightsRecord) -> None:
    print(f"file      {record.path}, {Path(record.path).stat().st_size:,} bytes")
    print(f"sha256    {record.sha256}")
    for key, value in record.provenance.items():
        print(f"{key:<9} {value}")
    for note in record.notes:
        print(f"note      {note}")


def _print_added(added: StoredWeights) -> None:
    assert added.spec is not None
    print(f"added     {added.name}: {_short(added.spec)}")
    print(f"in        {added.path}")
