"""One-shot commands: what is done once for an install, before its processes start."""
