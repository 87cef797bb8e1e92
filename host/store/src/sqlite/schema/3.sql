-- From version 2: who may call without sign-in, and who may not call at all.

-- Tools that an approver lets be called without sign-in, by their names on the wire: part of one decision.
CREATE TABLE without_sign_in (
    decision INTEGER NOT NULL REFERENCES decision,
    name     TEXT NOT NULL,
    PRIMARY KEY (decision, name)
) STRICT, WITHOUT ROWID;
-- Here and not only in the program, as four eyes are: whoever has not signed in never writes.
CREATE TRIGGER without_sign_in_reads BEFORE INSERT ON without_sign_in
WHEN NOT EXISTS (
    SELECT 1 FROM decision JOIN label USING (fingerprint)
    WHERE decision.id = NEW.decision AND decision.approved AND label.name = NEW.name AND label.label = 'read'
)
BEGIN SELECT RAISE(ABORT, 'without sign-in only tools that read'); END;
CREATE TRIGGER without_sign_in_immutable BEFORE UPDATE ON without_sign_in BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;
CREATE TRIGGER without_sign_in_kept BEFORE DELETE ON without_sign_in BEGIN SELECT RAISE(ABORT, 'decisions are kept'); END;

-- Whom an operator shuts out (catalogue AU-25). kind: subject, client, token (its jti) or issued (every token issued before
-- value, in seconds since 1970; its issuer may be empty).
CREATE TABLE denied (
    kind       TEXT NOT NULL CHECK (kind IN ('subject', 'client', 'token', 'issued')),
    issuer     TEXT NOT NULL,
    value      TEXT NOT NULL,
    denied_by  TEXT NOT NULL,
    denied_at  INTEGER NOT NULL,
    PRIMARY KEY (kind, issuer, value)
) STRICT, WITHOUT ROWID;
