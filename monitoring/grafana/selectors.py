"""Selectors that several dashboards share."""

from __future__ import annotations

ROUTES = 'route=~".*:predict|.*/infer|grpc ModelInfer"'
# Each server once: what a release's judge has scraped again carries `isvc`.
SERVED = 'isvc="",namespace=~"$namespace",arm=~"$arm"'
TRANSFORMER = f'{SERVED},container="transformer-container"'
PREDICTOR = f'{SERVED},container="kserve-container"'
# Predictions, whichever protocol they came by; probes and scrapes are requests as well.
PREDICTIONS = f"{TRANSFORMER},{ROUTES}"
FAILED = f'{PREDICTIONS},status=~"5..|INTERNAL|UNAVAILABLE"'
REFUSED = f'{PREDICTIONS},status=~"4..|UNAUTHENTICATED|INVALID_ARGUMENT|RESOURCE_EXHAUSTED"'
# Of an environment without choice of an arm.
ALL_TRANSFORMERS = 'isvc="",namespace=~"$namespace",container="transformer-container"'
OF_ENVIRONMENT = 'namespace=~"$namespace"'
OF_SITE = 'namespace=~"$namespace",site=~"$site"'
CONTAINERS = 'namespace=~"$namespace",pod=~"silencio-.+",container=~"kserve-container|transformer-container"'
NODES = 'job="node",instance=~"$node"'
DISKS = f'{NODES},fstype!~"tmpfs|overlay|squashfs|ramfs"'


def rate(metric: str, selector: str, by: str = "") -> str:
    """A counter's rate as it is drawn, summed.

    Args:
        metric: Name of a counter.
        selector: Labels.
        by: Labels that are kept.
    """
    grouping = f"sum by ({by})" if by else "sum"
    return f"{grouping} (rate({metric}{{{selector}}}[$__rate_interval]))"


def ratio(part: str, whole: str) -> str:
    """One query over another.

    Args:
        part: Query of the part.
        whole: Query of the whole.
    """
    return f"{part} / {whole}"


def mean(metric: str, selector: str, by: str = "") -> str:
    """Mean of a histogram's observations.

    Args:
        metric: Name of a histogram.
        selector: Labels.
        by: Labels that are kept.
    """
    return ratio(rate(f"{metric}_sum", selector, by), rate(f"{metric}_count", selector, by))


def quantile(share: float, metric: str, selector: str, by: str = "") -> str:
    """Quantile of a histogram's observations.

    Args:
        share: Share of the observations that lie below it.
        metric: Name of a histogram.
        selector: Labels.
        by: Labels that are kept.
    """
    kept = f"{by}, le" if by else "le"
    return f"histogram_quantile({share:g}, {rate(f'{metric}_bucket', selector, kept)})"
