"""Jobs: what has time, on pgqueuer's tables in PostgreSQL.

work       what each job does
running    pgqueuer on a connection of its own, started over when that is lost
"""
