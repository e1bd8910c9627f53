-- Truth of the product: who plays, who waits, what was agreed, how it ended and what it was worth.
-- The guarantees are unique indexes and guarded updates, not isolation levels.

CREATE TABLE players (
    id           uuid PRIMARY KEY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
    kind         text NOT NULL CHECK (kind IN ('guest', 'password')),
    roles        text[] NOT NULL DEFAULT '{player}',
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE credentials (
    player_id     uuid PRIMARY KEY REFERENCES players ON DELETE CASCADE,
    login         text NOT NULL CHECK (login = lower(login)),
    password_hash text NOT NULL
);
CREATE UNIQUE INDEX credentials_login ON credentials (login);

-- One row a refresh token ever issued. A used token that comes again revokes its family.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    family     uuid NOT NULL,
    player_id  uuid NOT NULL REFERENCES players ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    revoked_at timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);

-- state: requested (agreed here) -> created (the Match resource exists) -> ready -> one of
-- completed, failed, cancelled. The last three are written by ranking alone.
CREATE TABLE matches (
    id           uuid PRIMARY KEY,
    game         text NOT NULL,
    mode         text NOT NULL,
    region       text NOT NULL,
    ranked       boolean NOT NULL,
    spec         jsonb NOT NULL,
    spec_digest  text NOT NULL,
    state        text NOT NULL DEFAULT 'requested'
                 CHECK (state IN ('requested', 'created', 'ready', 'completed', 'failed', 'cancelled')),
    uid          text,
    pod_uid      text,
    url          text,
    reason       text,
    message      text,
    result       jsonb,
    requested_at timestamptz NOT NULL DEFAULT now(),
    not_after    timestamptz NOT NULL,
    created_at   timestamptz,
    ready_at     timestamptz,
    ended_at     timestamptz
);
CREATE INDEX matches_live ON matches (requested_at) WHERE state IN ('requested', 'created', 'ready');
CREATE INDEX matches_ended ON matches (ended_at DESC) WHERE ended_at IS NOT NULL;

-- queued -> proposed (a match is being made) -> matched (it is Ready)
-- proposed -> queued again with its original queued_at when the match ended before it was Ready
-- queued -> cancelled | expired
CREATE TABLE tickets (
    id           uuid PRIMARY KEY,
    player_id    uuid NOT NULL REFERENCES players ON DELETE CASCADE,
    game         text NOT NULL,
    mode         text NOT NULL,
    rating       integer NOT NULL,
    rtt_ms       jsonb NOT NULL,
    state        text NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'proposed', 'matched', 'cancelled', 'expired')),
    match_id     uuid REFERENCES matches,
    avoid_region text,
    queued_at    timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX tickets_one_open ON tickets (player_id) WHERE state IN ('queued', 'proposed');
CREATE INDEX tickets_queue ON tickets (game, mode, queued_at) WHERE state = 'queued';
CREATE INDEX tickets_match ON tickets (match_id) WHERE match_id IS NOT NULL;

-- The roster. A seat is live until its match ends; nobody holds two.
CREATE TABLE seats (
    match_id  uuid NOT NULL REFERENCES matches ON DELETE CASCADE,
    seat      integer NOT NULL CHECK (seat BETWEEN 0 AND 63),
    team      integer NOT NULL,
    player_id uuid REFERENCES players ON DELETE SET NULL,
    ticket_id uuid REFERENCES tickets ON DELETE SET NULL,
    bot       text,
    live      boolean NOT NULL DEFAULT true,
    PRIMARY KEY (match_id, seat),
    CHECK (NOT (player_id IS NOT NULL AND bot IS NOT NULL))
);
CREATE UNIQUE INDEX seats_one_live ON seats (player_id) WHERE live;
CREATE INDEX seats_player ON seats (player_id, match_id);

CREATE TABLE ratings (
    player_id  uuid NOT NULL REFERENCES players ON DELETE CASCADE,
    game       text NOT NULL,
    mode       text NOT NULL,
    rating     integer NOT NULL,
    games      integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (player_id, game, mode)
);
CREATE INDEX ratings_order ON ratings (game, mode, rating DESC, player_id);

-- Every change of a rating, for ever. A rating is its first `before` plus the sum of its deltas.
CREATE TABLE rating_ledger (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    match_id  uuid NOT NULL REFERENCES matches,
    player_id uuid NOT NULL,
    game      text NOT NULL,
    mode      text NOT NULL,
    before    integer NOT NULL,
    delta     integer NOT NULL,
    after     integer NOT NULL CHECK (after = before + delta),
    at        timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX rating_ledger_once ON rating_ledger (match_id, player_id);
CREATE INDEX rating_ledger_player ON rating_ledger (player_id, game, mode, seq);

-- Events a consumer has acted on, written in the transaction of the effect.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id text NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

-- Events to publish, written in the transaction of what happened; a relay publishes and marks.
CREATE TABLE outbox (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id     text NOT NULL UNIQUE,
    event        jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz
);
CREATE INDEX outbox_pending ON outbox (seq) WHERE published_at IS NULL;

-- Aggregates by hour, kept by analytics.
CREATE TABLE hourly_matches (
    hour      timestamptz NOT NULL,
    game      text NOT NULL,
    mode      text NOT NULL,
    region    text NOT NULL,
    created   integer NOT NULL DEFAULT 0,
    completed integer NOT NULL DEFAULT 0,
    failed    integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    humans    integer NOT NULL DEFAULT 0,
    bots      integer NOT NULL DEFAULT 0,
    ticks     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (hour, game, mode, region)
);
CREATE TABLE hourly_players (
    hour      timestamptz NOT NULL,
    game      text NOT NULL,
    mode      text NOT NULL,
    region    text NOT NULL,
    player_id uuid NOT NULL,
    PRIMARY KEY (hour, game, mode, region, player_id)
);

-- What the periodic job leaves: the first hundred of each ladder, once a day.
CREATE TABLE ladder_snapshots (
    day       date NOT NULL,
    game      text NOT NULL,
    mode      text NOT NULL,
    place     integer NOT NULL,
    player_id uuid NOT NULL,
    rating    integer NOT NULL,
    PRIMARY KEY (day, game, mode, place)
);

-- What the enqueued job leaves: one line about each ended match, for its players to read.
CREATE TABLE match_summaries (
    match_id uuid PRIMARY KEY REFERENCES matches ON DELETE CASCADE,
    summary  jsonb NOT NULL,
    at       timestamptz NOT NULL DEFAULT now()
);
