"""A signal's owner may go away while another thread emits it."""

from __future__ import annotations

import threading

import pytest

pytestmark = pytest.mark.gui


def test_an_owner_that_goes_away_in_the_middle(qapp):
    """Many owners, each deleted while its thread emits: nobody aborts, all end."""
    from qtpy.QtCore import QEvent, QObject, Signal

    from napari_histossl.widgets._outlet import Outlet

    class Owner(QObject):
        news = Signal(object)

    threads = []
    for _ in range(200):
        owner = Owner()
        outlet, begun = Outlet(owner, owner.news.emit), threading.Event()

        def emit(outlet=outlet, begun=begun):
            while outlet("news"):
                begun.set()

        threads.append(threading.Thread(target=emit))
        threads[-1].start()
        assert begun.wait(10)
        owner.deleteLater()
        qapp.sendPostedEvents(owner, QEvent.Type.DeferredDelete)
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
