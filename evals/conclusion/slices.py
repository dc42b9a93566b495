"""A metric over the samples that count for it, or over those of one task, and what releases measured of it."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aftertune.values.evaluation import SampleResult
from evals.conclusion.estimate import Measured, Pair
from evals.scorers import Scorer
from evals.suite.metric import Metric
from evals.suite.suite import Suite

Results = Mapping[str, SampleResult]
"""One release's results, by sample."""


class Side(NamedTuple):
    """What one release measured of a slice, by sample, and the samples that count but were not measured."""

    measured: dict[str, Measured]
    unmeasured: tuple[str, ...]


class Both(NamedTuple):
    """Two releases on the samples that both were asked, and those of them of which a side was not measured."""

    pairs: dict[str, Pair]
    unmeasured: tuple[str, ...]


class Slice(NamedTuple):
    """`clusters`: of each sample that counts, in the suite's order."""

    name: str
    scorer: Scorer
    metric: Metric
    clusters: Mapping[str, str]

    def side(self, results: Results) -> Side:
        measured: dict[str, Measured] = {}
        unmeasured = []
        for sample, cluster in self.clusters.items():
            if sample not in results:
                continue
            found = {**results[sample].scores, **results[sample].statistics}
            if self.metric.name not in found and self.metric.reached:
                continue
            value = found.get(self.metric.name)
            if value is None:
                unmeasured.append(sample)
            else:
                measured[sample] = Measured(value if isinstance(value, tuple) else (value,), cluster)
        return Side(measured, tuple(unmeasured))

    def both(self, ours: Results, theirs: Results) -> Both:
        us, them = self.side(ours).measured, self.side(theirs).measured
        asked = [sample for sample in self.clusters if sample in ours and sample in theirs]
        pairs = {
            sample: Pair(us[sample].row, them[sample].row, self.clusters[sample])
            for sample in asked
            if sample in us and sample in them
        }
        return Both(pairs, tuple(sample for sample in asked if sample not in pairs))


def slices(suite: Suite) -> Iterator[Slice]:
    """Every metric in the order of a report; where the card says so, each is followed by its tasks, as metric/task."""
    for scorer, metric in suite.metrics():
        counted = [sample for sample in suite.samples if metric in scorer.counts(sample)]
        yield Slice(metric.name, scorer, metric, {each.id: suite.cluster_of(each) for each in counted})
        for task in suite.tasks_of(scorer, metric):
            of_task = {each.id: suite.cluster_of(each) for each in counted if each.task == task}
            yield Slice(f"{metric.name}/{task}", scorer, metric, of_task)
