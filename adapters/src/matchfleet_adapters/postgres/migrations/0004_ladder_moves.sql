-- The last move of a ladder, which says whether a view of it has missed one.
CREATE INDEX rating_ledger_ladder ON rating_ledger (game, mode, seq);
