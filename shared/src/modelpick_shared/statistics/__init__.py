"""What few images and a handful of runs can say: intervals of pass rates, and which models differ."""

from modelpick_shared.statistics.comparison import competition_ranks, leaders, paired_p_values
from modelpick_shared.statistics.intervals import (
    Cluster,
    Interval,
    clustered_interval,
    effective_sample_size,
    intracluster_correlation,
    wilson_interval,
)

__all__ = [
    "Cluster",
    "Interval",
    "clustered_interval",
    "competition_ranks",
    "effective_sample_size",
    "intracluster_correlation",
    "leaders",
    "paired_p_values",
    "wilson_interval",
]
