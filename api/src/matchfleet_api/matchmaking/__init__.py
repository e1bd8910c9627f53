"""Who plays whom, where: from waiting tickets to matches that were asked for.

queues      what a queue is, read from a file and checked
pairing     pure: tickets -> proposals
specs       pure: a proposal -> the Match that is asked for
writer      one queue's loop: read, pair, claim, in one transaction a batch
relay       requested rows -> Match resources
postbox     the outbox -> the broker
sweeps      what was forgotten is set right
process     all of these in one process
"""
