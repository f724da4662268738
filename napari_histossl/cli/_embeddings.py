"""Embeddings of slides from a shell: carry in and out, find, group, draw."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._common import (
    MppOption,
    OverwriteOption,
    SlideArgument,
    WorkspaceOption,
)

if TYPE_CHECKING:
    from napari_histossl.geometry import Box
    from napari_histossl.metrics.search import EmbeddingSearch, Match, Query
    from napari_histossl.panels.embeddings import Wanted

embeddings_app = typer.Typer(
    help="Embeddings of slides: export, import, find similar, clusters, map.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

EmbeddingsArgument = Annotated[
    Path, typer.Argument(help="Folder of embeddings, or a slide that has some.")
]
ManyArgument = Annotated[
    list[Path], typer.Argument(help="Folders of embeddings, or slides that have some.")
]
NameOption = Annotated[
    str, typer.Option(help="Which embeddings of a slide, where it has several.")
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same result.")]


def register(app: typer.Typer) -> None:
    """Add ``embeddings``."""
    app.add_typer(embeddings_app, name="embeddings")


@embeddings_app.command("export")
def export(
    embeddings: EmbeddingsArgument,
    out: Annotated[Path, typer.Argument(help="HDF5 file to write, .h5.")],
    name: NameOption = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Write embeddings as HDF5 with 'features' and 'coords', as CLAM reads them."""
    from napari_histossl.panels.embeddings_files import (
        find_embeddings,
        read_embeddings,
    )
    from napari_histossl.store.embeddings_h5 import write_h5

    found = read_embeddings(find_embeddings(embeddings, name, workspace))
    write_h5(found, out)
    print(f"written   {len(found):,} embeddings to {out}")


@embeddings_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="HDF5 with 'features' and 'coords'.")],
    slide: SlideArgument,
    model: Annotated[
        str, typer.Option(help="Model that gave them, if the file does not say.")
    ] = "",
    patch: Annotated[
        float | None,
        typer.Option(help="Edge of a patch in level-0 pixels, if it does not say."),
    ] = None,
    mpp: MppOption = None,
    name: Annotated[str, typer.Option(help="Name; by default that of the file.")] = "",
    workspace: WorkspaceOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Keep embeddings that others have computed with the results of a slide."""
    from napari_histossl.panels.embeddings_files import import_h5
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import embeddings_path, results_folder

    with open_slide(slide, mpp) as opened:
        folder = results_folder(opened.source, workspace)
        out = embeddings_path(folder, name or file.stem)
        count = import_h5(
            file, opened, out, overwrite=overwrite, model=model, patch_px0=patch
        )
    print(f"written   {count:,} embeddings to {out}")


@embeddings_app.command()
def similar(
    embeddings: ManyArgument,
    at: Annotated[
        str, typer.Option(help="ROW,COLUMN in level-0 pixels: the patch there.")
    ] = "",
    box: Annotated[
        str, typer.Option(help="ROW,COLUMN,HEIGHT,WIDTH: the mean of its patches.")
    ] = "",
    of: Annotated[
        int,
        typer.Option(min=1, help="Slide of the point or box; the first is 1."),
    ] = 1,
    top: Annotated[int, typer.Option(min=1, help="How many matches.")] = 20,
    heat: Annotated[
        str, typer.Option(help="Name of an overlay of similarity to write, per slide.")
    ] = "",
    name: NameOption = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Find the patches that look most like one that you point at, over all slides."""
    from napari_histossl.panels.embeddings import open_search, query_of
    from napari_histossl.panels.embeddings_files import find_embeddings

    paths = [find_embeddings(path, name, workspace) for path in embeddings]
    search = open_search(paths)
    wanted = _wanted(at, box, of - 1, top)
    query = query_of(search, wanted)
    _print_matches(search.find(query, wanted.count))
    if heat:
        _write_heats(search, query, paths, heat)


@embeddings_app.command()
def clusters(
    embeddings: EmbeddingsArgument,
    count: Annotated[int, typer.Option(help="How many, 1 to 255.")] = 8,
    seed: SeedOption = 0,
    overlay: Annotated[str, typer.Option(help="Name of the overlay.")] = "clusters",
    name: NameOption = "",
    workspace: WorkspaceOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Group the patches of a slide by what they look like, as labels on the slide."""
    import numpy as np

    from napari_histossl.panels.embeddings import find_clusters
    from napari_histossl.panels.embeddings_files import (
        find_embeddings,
        overlay_beside,
        read_embeddings,
    )

    path = find_embeddings(embeddings, name, workspace)
    out = overlay_beside(path, overlay)
    labels = find_clusters(
        read_embeddings(path), count, out, seed=seed, overwrite=overwrite
    )
    for number, size in enumerate(np.bincount(labels), 1):
        print(f"cluster {number:<4} {size:,} patches")
    print(f"written   {out}")


@embeddings_app.command("map")
def map_(
    embeddings: ManyArgument,
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("map.png"),
    count: Annotated[
        int, typer.Option(help="Colour by so many clusters; 0 to colour by slide.")
    ] = 8,
    seed: SeedOption = 0,
    name: NameOption = "",
    workspace: WorkspaceOption = None,
) -> None:
    """Draw all patches so that those that are alike lie near one another (UMAP)."""
    from napari_histossl.panels.embeddings import draw_embeddings
    from napari_histossl.panels.embeddings_files import find_embeddings

    paths = [find_embeddings(path, name, workspace) for path in embeddings]
    shown = draw_embeddings(paths, out, clusters=count, seed=seed)
    print(f"written   {shown:,} patches to {out}")


# ---- Details ----


def _wanted(at: str, box: str, part: int, top: int) -> Wanted:
    from napari_histossl.panels.embeddings import Wanted

    return Wanted(part, _point(at), _box(box), top)


def _point(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    row, column = _numbers("--at", text, "ROW,COLUMN")
    return row, column


def _box(text: str) -> Box | None:
    from napari_histossl.geometry import Box

    if not text:
        return None
    return Box(*map(round, _numbers("--box", text, "ROW,COLUMN,HEIGHT,WIDTH")))


def _numbers(option: str, text: str, form: str) -> list[float]:
    from napari_histossl.errors import PlanError

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != form.count(",") + 1:
        raise PlanError(f"{option} is {form} in level-0 pixels; got {text!r}")
    return numbers


def _print_matches(matches: list[Match]) -> None:
    print(f"{'score':>6}  {'row':>8}  {'column':>8}  slide")
    for match in matches:
        row, column = match.position_px0
        print(f"{match.score:6.3f}  {row:8d}  {column:8d}  {match.slide_name}")


def _write_heats(
    search: EmbeddingSearch, query: Query, paths: list[Path], name: str
) -> None:
    from napari_histossl.panels.embeddings import write_heat
    from napari_histossl.panels.embeddings_files import overlay_beside

    for part, path in enumerate(paths):
        out = overlay_beside(path, name)
        write_heat(search, query, part, out)
        print(f"written   {out}")
