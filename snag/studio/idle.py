"""Idle: whether nothing runs for a product, so that its pictures may move."""

from __future__ import annotations

from snag.cli.lock import is_locked
from snag.core.errors import BadConfig
from snag.studio import jobs, texts
from snag.studio.products import Product


def check_idle(product: Product) -> None:
    """Raises BadConfig while something of this product runs, also if a terminal or another window has started it."""
    if jobs.read(product.own).is_running or (product.run.is_dir() and is_locked(product.run)):
        raise BadConfig(detail=texts.UNDER_WAY)
