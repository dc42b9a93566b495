"""Pure statistics: intervals and anytime-valid tests."""
