-- From version 5: whose each stream is, and what it holds, so that one principal's streams leave room for all others' (catalogue
-- MC-40). What was kept before is nobody's; it is gone within minutes.
ALTER TABLE stream ADD COLUMN principal TEXT NOT NULL DEFAULT '';
ALTER TABLE stream ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0);
UPDATE stream SET bytes = (SELECT coalesce(sum(64 + length(body)), 0) FROM stream_event WHERE stream_event.stream = stream.id);
CREATE INDEX stream_principal ON stream (principal, expires_at);
DROP TRIGGER stream_event_counted;
CREATE TRIGGER stream_event_counted AFTER INSERT ON stream_event BEGIN
    UPDATE keeping SET stream_bytes = stream_bytes + 64 + length(NEW.body);
    UPDATE stream SET bytes = bytes + 64 + length(NEW.body) WHERE id = NEW.stream;
END;
DROP TRIGGER stream_event_gone;
CREATE TRIGGER stream_event_gone AFTER DELETE ON stream_event BEGIN
    UPDATE keeping SET stream_bytes = stream_bytes - 64 - length(OLD.body);
    UPDATE stream SET bytes = bytes - 64 - length(OLD.body) WHERE id = OLD.stream;
END;
