"""The second running example: a model that labels payments as fraud or legitimate and states a risk."""
