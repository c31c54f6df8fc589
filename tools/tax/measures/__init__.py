"""What can be said of samples in numbers: one module a family of measures, each a function of the samples alone."""
