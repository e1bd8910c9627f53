"""What must always be true, looked at on a live install: I1 to I10.

finding     what a check says
recorded    I2, I3, I4, I5, I10: PostgreSQL with itself
clustered   I1, I6, I7: PostgreSQL with Matches and pods
remembered  I8: Redis with PostgreSQL
carried     I9: RabbitMQ
auditor     all of them, and a second look at what may only be on its way
"""
