"""The third running example: a maintenance assistant for several plants, which must not change a torque or a part number."""
