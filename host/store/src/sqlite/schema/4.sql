-- From version 3: files that belong to a release, and names on the wire that were ever served.

-- As large as the manifest allows (32 MiB in all). Immutable, as the release is; the digest is part of its fingerprint.
CREATE TABLE asset (
    fingerprint BLOB NOT NULL REFERENCES release ON DELETE CASCADE,
    name        TEXT NOT NULL,
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    content     BLOB NOT NULL,
    PRIMARY KEY (fingerprint, name)
) STRICT;
CREATE TRIGGER asset_immutable BEFORE UPDATE ON asset BEGIN SELECT RAISE(ABORT, 'a release is immutable'); END;

-- A client may hold the list of any day, so a name that is served no longer still answers. fingerprint: the release that served it
-- last. label: the loosest that it was served with. retired_at: since when it is not served (NULL: it is). retired_by: the release
-- that took the place of the one that served it (NULL: it was withdrawn). calls, last_call: since then.
CREATE TABLE served_once (
    plugin      TEXT NOT NULL,
    folded      TEXT NOT NULL,
    name        TEXT NOT NULL,
    label       TEXT NOT NULL,
    fingerprint BLOB NOT NULL REFERENCES release,
    retired_at  INTEGER,
    retired_by  BLOB REFERENCES release,
    calls       INTEGER NOT NULL DEFAULT 0 CHECK (calls >= 0),
    last_call   INTEGER,
    PRIMARY KEY (plugin, folded)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER served_once_kept BEFORE DELETE ON served_once BEGIN SELECT RAISE(ABORT, 'names that were served are kept'); END;

-- What was served before there was this table.
INSERT INTO served_once (plugin, folded, name, label, fingerprint, retired_at, retired_by)
WITH approved AS (
    SELECT decision.id, release.plugin, label.folded, label.name, label.label, label.fingerprint
    FROM decision JOIN release USING (fingerprint) JOIN label USING (fingerprint) WHERE decision.approved
), last AS (
    SELECT plugin, folded, max(id) AS id, name, fingerprint FROM approved GROUP BY plugin, folded
)
SELECT last.plugin, last.folded, last.name,
    (SELECT label FROM approved WHERE approved.plugin = last.plugin AND approved.folded = last.folded
     ORDER BY instr('read write destructive', label) LIMIT 1),
    last.fingerprint, ended.at, CASE WHEN ended.approved THEN ended.fingerprint END
FROM last LEFT JOIN decision AS ended ON ended.id = (
    SELECT min(decision.id) FROM decision JOIN release USING (fingerprint)
    WHERE decision.id > last.id AND release.plugin = last.plugin
      AND (decision.approved OR decision.fingerprint = last.fingerprint)
);

-- Events of streams that their clients may come back for. expires_at is the caller's, by the wall clock. holder: whose the stream
-- is, in the caller's words; for nobody else does it exist.
CREATE TABLE stream (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    holder     TEXT NOT NULL,
    ended      INTEGER NOT NULL CHECK (ended IN (0, 1)),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_expires ON stream (expires_at);
CREATE TRIGGER stream_same BEFORE UPDATE ON stream
WHEN NEW.id <> OLD.id OR NEW.holder <> OLD.holder
BEGIN SELECT RAISE(ABORT, 'a stream is one client''s'); END;
CREATE TRIGGER stream_final BEFORE UPDATE OF ended ON stream WHEN NEW.ended < OLD.ended
BEGIN SELECT RAISE(ABORT, 'a stream that has ended stays so'); END;
CREATE TABLE stream_event (
    stream BLOB NOT NULL REFERENCES stream ON DELETE CASCADE,
    seq    INTEGER NOT NULL CHECK (seq > 0),
    body   BLOB NOT NULL,
    PRIMARY KEY (stream, seq)
) STRICT;
CREATE TRIGGER stream_event_immutable BEFORE UPDATE ON stream_event BEGIN SELECT RAISE(ABORT, 'an event was sent as it was'); END;
-- 64: what a row takes beside its text.
ALTER TABLE keeping ADD COLUMN stream_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stream_bytes >= 0);
CREATE TRIGGER stream_event_counted AFTER INSERT ON stream_event
BEGIN UPDATE keeping SET stream_bytes = stream_bytes + 64 + length(NEW.body); END;
CREATE TRIGGER stream_event_gone AFTER DELETE ON stream_event
BEGIN UPDATE keeping SET stream_bytes = stream_bytes - 64 - length(OLD.body); END;

-- Calls that go on without their requests (MCP's extension for tasks).

-- bytes: what the row takes, or may come to take before it is final. Times are their callers', by the wall clock.
CREATE TABLE task (
    seq        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    principal  TEXT NOT NULL,
    tool       TEXT NOT NULL,
    release    BLOB NOT NULL CHECK (length(release) = 32),
    status     TEXT NOT NULL CHECK (status IN ('working', 'asking', 'completed', 'failed', 'cancelled')),
    message    TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    body       BLOB NOT NULL
) STRICT;
CREATE INDEX task_held ON task (principal, bytes);
CREATE INDEX task_expires ON task (expires_at);
CREATE INDEX task_working ON task (status) WHERE status = 'working';
CREATE TRIGGER task_final BEFORE UPDATE ON task
WHEN OLD.status IN ('completed', 'failed', 'cancelled') OR NEW.revision <> OLD.revision + 1
BEGIN SELECT RAISE(ABORT, 'a task that has ended stays so, and changes one at a time'); END;
CREATE TRIGGER task_same BEFORE UPDATE OF id, principal, tool, release, created_at ON task
BEGIN SELECT RAISE(ABORT, 'a task is of one call'); END;
CREATE TRIGGER task_promised BEFORE UPDATE OF expires_at ON task WHEN NEW.expires_at < OLD.expires_at
BEGIN SELECT RAISE(ABORT, 'a task is kept for as long as was said'); END;
