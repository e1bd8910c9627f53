"""The cluster under `make up` and the end-to-end tests: engine, node image, images, kind.

Everything here follows one pattern: look at what is there, decide on the steps in a pure function,
take them. Each step leaves either its whole result or nothing, so a run that was killed at any
second is continued by the next one. Standard library only: this runs before anything is installed.
"""
