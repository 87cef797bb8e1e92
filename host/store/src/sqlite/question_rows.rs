//! The table `question`. Its times are its callers', who set them by the wall clock.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    ANSWER_BYTES, ANSWER_BYTES_PER_PRINCIPAL, ANSWERS_BYTES, NewQuestions, QuestionEntry, QuestionsRefused, Unavailable,
};

/// Most rows removed in one step.
const BATCH: u32 = 64;

pub(super) fn put(db: &Connection, wall: i64, new: &NewQuestions) -> Result<(), QuestionsRefused> {
    let NewQuestions { principal, holder, request, questions, expires_at, per_principal, in_all } = new;
    // What has expired takes nobody's place.
    db.prepare_cached("DELETE FROM question WHERE principal = ?1 AND expires_at <= ?2")?
        .execute(params![principal, wall])?;
    let more = questions.len() as u64;
    let all = |db: &Connection| -> rusqlite::Result<u64> {
        db.prepare_cached("SELECT count(*) FROM question")?.query_row([], |row| row.get(0))
    };
    while all(db)?.saturating_add(more) > *in_all {
        if purge(db, wall)? == 0 {
            return Err(QuestionsRefused::All);
        }
    }
    let own: u64 = db
        .prepare_cached("SELECT count(*) FROM question WHERE principal = ?1")?
        .query_row([principal], |row| row.get(0))?;
    if own.saturating_add(more) > *per_principal {
        return Err(QuestionsRefused::Principal);
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO question (id, principal, holder, request, kind, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (id, kind) in questions {
        insert.execute(params![id, principal, holder, request, kind, expires_at])?;
    }
    Ok(())
}

/// Those that have not expired.
pub(super) fn find(db: &Connection, wall: i64, ids: &[[u8; 16]]) -> Result<Vec<QuestionEntry>, Unavailable> {
    let mut select =
        db.prepare_cached("SELECT holder, kind, answer FROM question WHERE id = ?1 AND expires_at > ?2")?;
    let mut found = Vec::new();
    for id in ids {
        let row = select.query_row(params![id, wall], |row| {
            Ok(QuestionEntry { id: *id, holder: row.get(0)?, kind: row.get(1)?, answer: row.get(2)? })
        });
        found.extend(row.optional()?);
    }
    Ok(found)
}

/// False: it is not open, or not to this holder.
pub(super) fn answer(
    db: &Connection,
    wall: i64,
    holder: &str,
    id: [u8; 16],
    answer: &[u8],
) -> Result<bool, Unavailable> {
    let principal: Option<String> = db
        .prepare_cached(
            "SELECT principal FROM question WHERE id = ?1 AND holder = ?2 AND answer IS NULL AND expires_at > ?3",
        )?
        .query_row(params![id, holder, wall], |row| row.get(0))
        .optional()?;
    let Some(principal) = principal else { return Ok(false) };
    let too_much = |what: &str, most: u64| Unavailable { reason: format!("{what} may have {most} bytes") };
    let bytes = answer.len() as u64;
    if bytes > ANSWER_BYTES {
        return Err(too_much("an answer to a call of another process", ANSWER_BYTES));
    }
    let held = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> rusqlite::Result<u64> {
        db.prepare_cached(sql)?.query_row(parameters, |row| row.get(0))
    };
    const HELD: &str = "SELECT ifnull(sum(length(answer)), 0) FROM question";
    let own = held(&format!("{HELD} WHERE principal = ?1"), &[&principal])?;
    if own.saturating_add(bytes) > ANSWER_BYTES_PER_PRINCIPAL {
        return Err(too_much("answers of one principal that wait for their calls", ANSWER_BYTES_PER_PRINCIPAL));
    }
    while held(HELD, &[])?.saturating_add(bytes) > ANSWERS_BYTES {
        if purge(db, wall)? == 0 {
            return Err(too_much("answers that wait for their calls", ANSWERS_BYTES));
        }
    }
    db.prepare_cached("UPDATE question SET answer = ?2 WHERE id = ?1")?.execute(params![id, answer])?;
    Ok(true)
}

/// Removes one that nobody has answered. False: it is not open, or not to this holder.
pub(super) fn claim(db: &Connection, wall: i64, holder: &str, id: [u8; 16]) -> Result<bool, Unavailable> {
    let mut delete =
        db.prepare_cached("DELETE FROM question WHERE id = ?1 AND holder = ?2 AND answer IS NULL AND expires_at > ?3")?;
    Ok(delete.execute(params![id, holder, wall])? == 1)
}

/// Whoever waits for answers to this call's questions finds that its holder has given it up.
pub(super) fn cancel(db: &Connection, principal: &str, holder: &str, request: [u8; 32]) -> Result<(), Unavailable> {
    db.prepare_cached(
        "UPDATE question SET answer = x'' WHERE principal = ?1 AND holder = ?2 AND request = ?3 AND answer IS NULL",
    )?
    .execute(params![principal, holder, request])?;
    Ok(())
}

/// Removes questions, answered or not.
pub(super) fn remove(db: &Connection, ids: &[[u8; 16]]) -> Result<(), Unavailable> {
    let mut delete = db.prepare_cached("DELETE FROM question WHERE id = ?1")?;
    for id in ids {
        delete.execute([id])?;
    }
    Ok(())
}

/// Removes some that have expired by the wall clock, with their answers.
pub(super) fn purge(db: &Connection, wall: i64) -> Result<usize, Unavailable> {
    let mut delete = db.prepare_cached(
        "DELETE FROM question WHERE seq IN
         (SELECT seq FROM question WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
    )?;
    Ok(delete.execute(params![wall, BATCH])?)
}
