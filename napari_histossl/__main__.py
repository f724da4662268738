"""``python -m napari_histossl``: the command line."""

from napari_histossl.cli import main

if __name__ == "__main__":
    main()
