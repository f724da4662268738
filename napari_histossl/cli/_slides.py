"""Slides from a shell: what they are, what of them is tissue, drawn ones as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histossl.cli._common import MppOption, SlideArgument, show_progress

if TYPE_CHECKING:
    from napari_histossl.slide import Slide

sample_app = typer.Typer(
    help="The drawn sample slide, and further drawn slides as files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def register(app: typer.Typer) -> None:
    """Add ``info``, ``tissue`` and ``sample``."""
    app.command()(info)
    app.command()(tissue)
    app.add_typer(sample_app, name="sample")


def info(
    slide: SlideArgument,
    mpp: MppOption = None,
    all_facts: Annotated[
        bool, typer.Option("--all", help="Everything the file says about itself.")
    ] = False,
) -> None:
    """Say what a slide is: size, scale, levels, scanner, fingerprint."""
    from napari_histossl.panels.slide import describe_slide
    from napari_histossl.slide import open_slide

    with open_slide(slide, mpp) as opened:
        facts = describe_slide(opened)
        facts["Print"] = opened.source.fingerprint[:16]
        if all_facts:
            facts.update(sorted(opened.properties.items()))
        width = max(map(len, facts))
        for name, value in facts.items():
            print(f"{name:<{width}}  {value}")
        _say_missing_scale(opened)


def tissue(
    slide: SlideArgument,
    mpp: MppOption = None,
    out: Annotated[
        Path | None, typer.Option(help="OME-Zarr to write; else beside the slide.")
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder for results; by default they lie beside the slide."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what was found or corrected.")
    ] = False,
) -> None:
    """Find the tissue of a slide and save it as a mask, for looking and for runs."""
    from napari_histossl.errors import StoreError
    from napari_histossl.panels.tissue import (
        find_and_save,
        load_tissue,
        tissue_path,
    )
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import results_folder

    with open_slide(slide, mpp) as opened:
        _say_missing_scale(opened)
        path = out or tissue_path(results_folder(opened.source, workspace))
        if path.exists() and not overwrite:
            raise StoreError(
                f"{path} is there already and may hold corrections; look at it with "
                f"napari-histossl view, or replace it with --overwrite"
            )
        show_progress(find_and_save(opened.source, path), "tissue")
        found = load_tissue(path, opened)
        shares = [float((found.labels == index).mean()) for index in (1, 2, 3)]
    print("tissue {:.1%}, glass {:.1%}, pen {:.1%}".format(*shares))
    print(f"written to {path}")


@sample_app.command()
def path() -> None:
    """Print where the sample data lie."""
    from napari_histossl.resources import sample_folder

    print(sample_folder())


@sample_app.command()
def write(
    out: Annotated[Path, typer.Argument(help="File to write, by custom .svs.")],
    seed: Annotated[
        int | None, typer.Option(help="Which slide; the sample slide by default.")
    ] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    mpp: Annotated[float | None, typer.Option(help="Micrometres per pixel.")] = None,
    quality: Annotated[int, typer.Option(help="JPEG quality, 1 to 100.")] = 80,
    truth: Annotated[
        bool, typer.Option("--truth", help="Also write its classes and nuclei.")
    ] = False,
) -> None:
    """Write a drawn slide as a pyramidal JPEG TIFF that slide viewers open."""
    from dataclasses import replace

    from napari_histossl.phantom.sample import sample_source
    from napari_histossl.phantom.truth import write_truth
    from napari_histossl.store import write_tiff

    given: dict[str, Any] = {"seed": seed, "height": height, "width": width, "mpp": mpp}
    chosen = {name: value for name, value in given.items() if value is not None}
    with replace(sample_source(), **chosen).open() as slide:
        show_progress(write_tiff(slide, out, quality=quality), "drawing")
        for written in write_truth(slide, out) if truth else ():
            print(f"written to {written} ({written.stat().st_size / 1e6:.1f} MB)")
    print(f"written to {out} ({out.stat().st_size / 1e6:.1f} MB)")


def _say_missing_scale(slide: Slide) -> None:
    """Tell on stderr how to give a missing scale; work goes on in pixels."""
    if slide.mpp_yx is None:
        typer.echo(
            f"note: {slide.source.name} does not say how large a pixel is, so sizes "
            f"are in pixels; give it with --mpp",
            err=True,
        )
