-- Releases are immutable: triggers refuse every change but the state's, here and in the labels.
CREATE TABLE release (
    fingerprint  BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
    plugin       TEXT NOT NULL,
    version      TEXT NOT NULL,
    manifest     TEXT NOT NULL,
    files        TEXT NOT NULL,
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    component    BLOB NOT NULL,
    prefix       TEXT NOT NULL,
    published_by TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    state        TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'served', 'retired')),
    UNIQUE (plugin, version)
) STRICT;
-- A plugin serves one release at a time.
CREATE UNIQUE INDEX release_served ON release (plugin) WHERE state = 'served';
CREATE TRIGGER release_immutable BEFORE UPDATE OF
    fingerprint, plugin, version, manifest, files, digest, component, prefix, published_by, published_at ON release
BEGIN SELECT RAISE(ABORT, 'a release is immutable'); END;

-- The labels that were computed at publish, and so what the approver saw. A name on the wire is served once.
CREATE TABLE label (
    fingerprint BLOB NOT NULL REFERENCES release ON DELETE CASCADE,
    name        TEXT NOT NULL,
    folded      TEXT NOT NULL,
    label       TEXT NOT NULL,
    PRIMARY KEY (fingerprint, name)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER label_immutable BEFORE UPDATE ON label BEGIN SELECT RAISE(ABORT, 'a release is immutable'); END;
CREATE TABLE served_name (
    folded      TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL REFERENCES release ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
    id          INTEGER PRIMARY KEY,
    fingerprint BLOB NOT NULL REFERENCES release,
    approved    INTEGER NOT NULL CHECK (approved IN (0, 1)),
    decided_by  TEXT NOT NULL,
    four_eyes   INTEGER NOT NULL CHECK (four_eyes IN (0, 1)),
    at          INTEGER NOT NULL
) STRICT;
-- Catalogue AU-07: here and not only in the program, so that a bug above can't approve its own release.
CREATE TRIGGER decision_four_eyes BEFORE INSERT ON decision
WHEN NEW.approved AND NEW.four_eyes
 AND NEW.decided_by = (SELECT published_by FROM release WHERE fingerprint = NEW.fingerprint)
BEGIN SELECT RAISE(ABORT, 'four eyes'); END;
CREATE TRIGGER decision_kept BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
CREATE TRIGGER decision_immutable BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;

CREATE TABLE generation (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL) STRICT;
INSERT INTO generation VALUES (1, 1);

-- Who owns a row is made by the host; owner is a keyed pseudonym, or empty for what all principals share.
CREATE TABLE kv (
    plugin     TEXT NOT NULL,
    capability TEXT NOT NULL,
    owner      TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      BLOB NOT NULL,
    PRIMARY KEY (plugin, capability, owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE kv_usage (
    plugin     TEXT NOT NULL,
    capability TEXT NOT NULL,
    owner      TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    keys       INTEGER NOT NULL CHECK (keys >= 0),
    PRIMARY KEY (plugin, capability, owner)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    correlation BLOB NOT NULL,
    principal   TEXT NOT NULL,
    tool        TEXT NOT NULL,
    release     BLOB NOT NULL,
    label       TEXT NOT NULL,
    class       TEXT NOT NULL,
    effect      TEXT NOT NULL,
    fuel        INTEGER NOT NULL,
    memory      INTEGER NOT NULL,
    wall_us     INTEGER NOT NULL,
    host_calls  INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    detail      TEXT NOT NULL
) STRICT;
-- Correlation ids begin with the time: a new one goes to the end of the index, on a page that is in hand already. By tool there
-- is none: it would dirty a page more for each tool in every commit, and a listing by tool begins with the newest row and ends
-- at its limit.
CREATE INDEX audit_correlation ON audit (correlation);
CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_immutable BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- What a version 1 had in it.
INSERT INTO release (fingerprint, plugin, version, manifest, files, digest, component, prefix, published_by, published_at, state)
VALUES (x'0101010101010101010101010101010101010101010101010101010101010101', 'notes', '1.0.0', 'manifest = 1', '{}',
        x'0202020202020202020202020202020202020202020202020202020202020202', x'0061736d', 'notes_', 'ann', 1, 'served'),
       (x'0303030303030303030303030303030303030303030303030303030303030303', 'notes', '1.1.0', 'manifest = 1', '{}',
        x'0202020202020202020202020202020202020202020202020202020202020202', x'0061736d', 'notes_', 'ann', 2, 'pending');
INSERT INTO label (fingerprint, name, folded, label)
VALUES (x'0101010101010101010101010101010101010101010101010101010101010101', 'notes_Read', 'notes_read', 'read');
INSERT INTO served_name (folded, fingerprint)
VALUES ('notes_read', x'0101010101010101010101010101010101010101010101010101010101010101');
INSERT INTO decision (fingerprint, approved, decided_by, four_eyes, at)
VALUES (x'0101010101010101010101010101010101010101010101010101010101010101', 1, 'bob', 1, 3);
UPDATE generation SET number = 7;
INSERT INTO kv (plugin, capability, owner, key, value) VALUES ('notes', 'notebook', '', 'one', x'31'), ('notes', 'notebook', '', 'two', x'3232');
INSERT INTO kv_usage (plugin, capability, owner, bytes, keys) VALUES ('notes', 'notebook', '', 9, 2);
INSERT INTO audit (kind, at, correlation, principal, tool, release, label, class, effect, fuel, memory, wall_us, host_calls, count, detail)
VALUES ('call', 1, x'07070707070707070707070707070707', 'local', 'notes_Read', x'', 'read', 'ok', 'read', 1, 2, 3, 4, 1, ''),
       ('admin', 2, x'00000000000000000000000000000000', 'ann', '', x'', '', 'publish', 'none', 0, 0, 0, 0, 1, 'notes@1.0.0');
PRAGMA application_id = 1349678179;
PRAGMA user_version = 1;
