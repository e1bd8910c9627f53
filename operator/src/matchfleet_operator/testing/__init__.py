"""What tests of this package build upon: values with defaults, an API server in memory, a broker.

They ship with the package, so that whoever tests against the operator uses the same fakes.
"""
