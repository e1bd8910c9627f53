"""What is known of the cluster: watched, audited, kept, and put before the planners."""
