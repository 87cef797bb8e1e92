-- From version 4: questions that clients were sent and that wait for an answer.

-- principal: who is asked. holder: whose answer counts, in the caller's words; for nobody else does the question exist. request: which
-- call of the holder's waits. kind: what an answer has to be. answer: a person's, sealed by the caller; it is here from the moment
-- that another process was given it until the call takes it, and empty when the holder has given the call up. expires_at is the
-- caller's, by the wall clock.
CREATE TABLE question (
    seq        INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    principal  TEXT NOT NULL,
    holder     TEXT NOT NULL,
    request    BLOB NOT NULL CHECK (length(request) = 32),
    kind       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    answer     BLOB
) STRICT;
CREATE INDEX question_principal ON question (principal);
CREATE INDEX question_expires ON question (expires_at);
CREATE TRIGGER question_same BEFORE UPDATE OF id, principal, holder, request, kind, expires_at ON question
BEGIN SELECT RAISE(ABORT, 'a question stays as it was put'); END;
CREATE TRIGGER question_once BEFORE UPDATE OF answer ON question WHEN OLD.answer IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the first answer holds'); END;
