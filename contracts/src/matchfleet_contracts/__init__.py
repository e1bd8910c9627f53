"""What two rooms share: ids, results, events, tokens, wire codec. No I/O."""
