"""PostgreSQL, where the truth lives: a pool, migrations, and named SQL behind typed functions.

A function takes a connection first, so that its caller decides what one transaction holds. Ids
travel as canonical text and jsonb as plain values; rows come back as frozen dataclasses.
"""
