-- The matchmaker reads what changed since its last look; a requeued ticket keeps its queued_at.
CREATE INDEX tickets_changed ON tickets (game, mode, changed_at) WHERE state = 'queued';
CREATE INDEX tickets_expiry ON tickets (expires_at) WHERE state = 'queued';
