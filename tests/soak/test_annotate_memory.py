"""What thousands of strokes leave in memory; `make soak`."""

import subprocess
import sys
import textwrap

import pytest

MOST_BYTES = 40 << 20
"""The whole window is allowed 200 MB; the mask itself takes some 4 kB a stroke."""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_five_thousand_strokes_leave_little_behind(tmp_path):
    code = f"""
        import re
        from pathlib import Path
        import numpy as np
        from napari_histossl.annotate import MaskStore, Stroke
        from napari_histossl.geometry import Box

        def resident_bytes():
            text = Path("/proc/self/status").read_text()
            return 1024 * int(re.search(r"VmRSS:\\s+(\\d+) kB", text).group(1))

        rng, SHAPE = np.random.default_rng(0), (100_000, 100_000)
        with MaskStore.create({str(tmp_path / "a.ome.zarr")!r}, SHAPE, 0.5) as m:
            for number in range(5_200):
                if number == 200:
                    before_bytes = resident_bytes()
                start = rng.uniform(5_000, 95_000, 2)
                points = start + np.cumsum(rng.normal(4, 8, (30, 2)), axis=0)
                m.paint(Stroke(points, 20, number % 5 + 1))
                level = number % len(m.levels)
                y, x = (int(v) >> level for v in start)
                m.read(Box(y - 400, x - 400, 800, 800), level)
                if number % 7 == 3:
                    m.undo()
            print(resident_bytes() - before_bytes)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < MOST_BYTES
