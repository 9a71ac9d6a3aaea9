-- Visits to codes that no link has, those with most alone. last_at: ms since the Unix epoch.
CREATE TABLE orphan (
    domain TEXT NOT NULL,
    code TEXT NOT NULL,
    clicks INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (domain, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX orphan_rank ON orphan (clicks DESC, last_at DESC, domain, code);
