"""Amazon Fraud Detector's API: a file for each kind of resource, an operation for each function."""
