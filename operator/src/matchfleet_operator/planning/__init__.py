"""What should follow, decided purely: values in, actions out; no I/O, no clock, no chance."""
