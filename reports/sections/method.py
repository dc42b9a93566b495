"""How to read the numbers, and what they do not say."""

from reports.cells import moment
from reports.document import Facts, Section, Text
from reports.evidence import Evidence

HOW = (
    (
        "Every number comes from rows that were stored by the watermark and stands in report.json with its count, its "
        "interval and, where it is a score, the signature of what it depends on. 'aftertune report rebuild' computes "
        "report.json again from the stored rows and compares the bytes. Late exchanges and later corrections make a "
        "new revision; nothing is overwritten."
    ),
    (
        "Shares carry Wilson's 95 % interval, percentiles an interval between order statistics, evaluations the interval "
        "their scorer names, verdicts intervals that hold at every look. A complete count has no interval. Intervals "
        "of shares and percentiles take exchanges as independent; exchanges of one conversation are not, so these "
        "intervals are narrower than they should be where conversations are long."
    ),
)
LIMITS = (
    (
        "Nobody told this system which answers were right: outcomes that become known later (complaints, corrections, "
        "ground truth) are not in this report. Fairness across groups of users is not measured. Requests that never "
        "reached the router cannot be counted. Records that a router could not keep are counted where they were lost "
        "and listed under Traffic; they are not part of the figures here."
    ),
    "NOT AVAILABLE means that there is no evidence, never that nothing is wrong.",
)
ALIGNMENT = (
    "The report is voluntarily aligned with SR 26-2 principles (ongoing monitoring, outcomes analysis, inventory, "
    "effective challenge) and designed towards EU AI Act Art. 12 (records), 26 (monitoring by deployers) and 72 "
    "(post-market monitoring). It claims no conformity: which class and role apply is for the reader to decide."
)


def method(evidence: Evidence) -> Section:
    week = evidence.week
    over = "yes" if week.over(evidence.mark.at) else "NO: the report is preliminary"
    scope = Facts(
        title="Scope",
        facts=(
            ("Week", f"{week.name}, Monday to Sunday in {week.time_zone}"),
            ("From (UTC)", moment(week.since)),
            ("Until (UTC)", moment(week.until)),
            ("Watermark (UTC)", moment(evidence.mark.at)),
            ("Over at the watermark", over),
        ),
    )
    texts = tuple(Text(text=text) for text in (*HOW, *LIMITS, ALIGNMENT))
    return Section(name="method", title="Method and limits", blocks=(scope, *texts))
