-- From version 1: keys that expire, files, previews and values that are used once. A kind of audit row is a word, so that
-- a new one needs nothing here.

-- Milliseconds on the store's own clock (clock.rs); NULL: until it is removed. Both indexes hold only keys that expire.
ALTER TABLE kv ADD COLUMN expires INTEGER;
CREATE INDEX kv_expires ON kv (expires) WHERE expires IS NOT NULL;
CREATE INDEX kv_partition_expires ON kv (plugin, capability, owner, expires) WHERE expires IS NOT NULL;

-- The content of a file is a blob in the folder `files`; a blob that no row names is nobody's.
CREATE TABLE file (
    plugin     TEXT NOT NULL,
    capability TEXT NOT NULL,
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL,
    size       INTEGER NOT NULL CHECK (size >= 0),
    digest     BLOB NOT NULL CHECK (length(digest) = 32),
    blob       BLOB NOT NULL CHECK (length(blob) = 16),
    PRIMARY KEY (plugin, capability, owner, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX file_blob ON file (blob);
CREATE TABLE file_usage (
    plugin     TEXT NOT NULL,
    capability TEXT NOT NULL,
    owner      TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    files      INTEGER NOT NULL CHECK (files >= 0),
    PRIMARY KEY (plugin, capability, owner)
) STRICT, WITHOUT ROWID;

-- seq says which of a principal's is the oldest.
CREATE TABLE preview (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    principal  TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    body       BLOB NOT NULL
) STRICT;
CREATE INDEX preview_principal ON preview (principal);
CREATE INDEX preview_expires ON preview (expires_at);
CREATE TRIGGER preview_immutable BEFORE UPDATE ON preview BEGIN SELECT RAISE(ABORT, 'a preview is immutable'); END;

-- Values that were used and must not be used again. expires_at is their own, on the caller's clock; keep_until is on the
-- store's.
CREATE TABLE spent (
    nonce      BLOB PRIMARY KEY CHECK (length(nonce) = 16),
    expires_at INTEGER NOT NULL,
    keep_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX spent_keep ON spent (keep_until);
CREATE TRIGGER spent_immutable BEFORE UPDATE ON spent BEGIN SELECT RAISE(ABORT, 'what was spent stays spent'); END;

-- mark: no clock of the store begins before it. spent_floor: the highest expires_at of a value that was forgotten; what does
-- not outlive it may have been spent. touched: changed where nothing else is, and something has to be. The tallies are kept by triggers, so that no statement can forget them.
CREATE TABLE keeping (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    mark          INTEGER NOT NULL DEFAULT 0,
    spent_floor   INTEGER NOT NULL DEFAULT 0,
    touched       INTEGER NOT NULL DEFAULT 0,
    spent         INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
    preview_bytes INTEGER NOT NULL DEFAULT 0 CHECK (preview_bytes >= 0)
) STRICT;
INSERT INTO keeping (id) VALUES (1);
CREATE TRIGGER keeping_grows BEFORE UPDATE OF mark, spent_floor ON keeping
WHEN NEW.mark < OLD.mark OR NEW.spent_floor < OLD.spent_floor
BEGIN SELECT RAISE(ABORT, 'the store''s clock does not go back'); END;
CREATE TRIGGER spent_counted AFTER INSERT ON spent BEGIN UPDATE keeping SET spent = spent + 1; END;
CREATE TRIGGER spent_forgotten AFTER DELETE ON spent
BEGIN UPDATE keeping SET spent = spent - 1, spent_floor = max(spent_floor, OLD.expires_at); END;
-- 256: what a row takes beside its texts.
CREATE TRIGGER preview_counted AFTER INSERT ON preview
BEGIN UPDATE keeping SET preview_bytes = preview_bytes + 256 + octet_length(NEW.principal) + length(NEW.body); END;
CREATE TRIGGER preview_gone AFTER DELETE ON preview
BEGIN UPDATE keeping SET preview_bytes = preview_bytes - 256 - octet_length(OLD.principal) - length(OLD.body); END;
