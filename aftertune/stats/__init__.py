"""Pure statistics: intervals, paired tests, resampling, power, agreement, and looking many times.

What does not exist for the given data is None in a result with parts, and NaN in a plain number, so that such a
number can be resampled; neither is ever replaced by 0. docs/statistics.md says which one stands where, and why.
"""
