-- Visits to codes that no link has, those with most alone. last_at: ms since the Unix epoch.
CREATE TABLE orphan (
    domain text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    clicks bigint NOT NULL,
    last_at bigint NOT NULL,
    PRIMARY KEY (domain, code)
);

CREATE INDEX orphan_rank ON orphan (clicks DESC, last_at DESC, domain, code);
