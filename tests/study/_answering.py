"""A reader in a process of its own: answers until killed, says what was confirmed."""

from __future__ import annotations

import sys

from napari_histossl.study import Session


def main(study_path: str, reader: str) -> None:
    with Session.open(study_path, reader) as session:
        while (case := session.next()) is not None:
            synthetic = int(case.case_id, 16) % 2 == 1
            confidence = int(case.case_id, 16) % 3 + 1
            session.answer(case.case_id, synthetic, confidence, case.position)
            sys.stdout.write(f"{case.case_id}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
