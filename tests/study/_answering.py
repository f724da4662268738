"""A reader in a process of its own: answers until killed, says what was confirmed."""

from __future__ import annotations

import sys
import time

from napari_histossl.study import Session

MOST = 60
"""Answers in one life: whoever kills late still finds a study that is not done."""


def main(study_path: str, reader: str) -> None:
    with Session.open(study_path, reader) as session:
        for _ in range(MOST):
            case = session.next()
            if case is None:
                return
            synthetic = int(case.case_id, 16) % 2 == 1
            confidence = int(case.case_id, 16) % 3 + 1
            session.answer(case.case_id, synthetic, confidence, case.position)
            sys.stdout.write(f"{case.case_id}\n")
            sys.stdout.flush()
        time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
