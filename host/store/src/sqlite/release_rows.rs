//! The tables `release`, `asset`, `label`, `served_name`, `decision` and `generation`.

use portcullis_manifest::{Digest, Fingerprint, PluginName, ReleaseId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::name_rows;
use crate::{
    Approval, Decision, NewRelease, PublishOutcome, PublishRefused, Release, ReleaseState, Served, StateRefused,
    Unavailable,
};

pub(super) fn publish(db: &Connection, new: &NewRelease) -> Result<PublishOutcome, PublishRefused> {
    if let Some(state) = state(db, new.fingerprint)? {
        return Ok(PublishOutcome::Known(state));
    }
    let taken: Option<[u8; 32]> = db
        .prepare_cached("SELECT fingerprint FROM release WHERE plugin = ?1 AND version = ?2")?
        .query_row(params![new.id.plugin.as_str(), new.id.version], |row| row.get(0))
        .optional()?;
    if let Some(existing) = taken {
        let existing = Fingerprint(existing).to_string();
        return Err(PublishRefused::VersionTaken { release: new.id.clone(), existing });
    }
    db.prepare_cached(
        "INSERT INTO release (fingerprint, plugin, version, manifest, files, digest, component, prefix, published_by,
                              published_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        new.fingerprint.0,
        new.id.plugin.as_str(),
        new.id.version,
        new.manifest,
        new.files,
        new.digest.0,
        new.component,
        new.prefix,
        new.published_by,
        new.at,
    ])?;
    let mut asset =
        db.prepare_cached("INSERT INTO asset (fingerprint, name, digest, content) VALUES (?1, ?2, ?3, ?4)")?;
    for (name, digest, content) in &new.assets {
        asset.execute(params![new.fingerprint.0, name, digest.0, &**content])?;
    }
    let mut label =
        db.prepare_cached("INSERT INTO label (fingerprint, name, folded, label) VALUES (?1, ?2, ?3, ?4)")?;
    for (name, word) in &new.labels {
        label.execute(params![new.fingerprint.0, name, name.to_ascii_lowercase(), word])?;
    }
    Ok(PublishOutcome::New)
}

pub(super) fn decide(db: &Connection, decision: &Decision) -> Result<(), StateRefused> {
    let key = decision.fingerprint.0;
    let release: Option<(String, String)> = db
        .prepare_cached("SELECT plugin, published_by FROM release WHERE fingerprint = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((plugin, published_by)) = release else {
        return Err(StateRefused::Unknown { fingerprint: decision.fingerprint.to_string() });
    };
    db.prepare_cached(
        "INSERT INTO decision (fingerprint, approved, decided_by, four_eyes, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![key, decision.approve, decision.by, decision.four_eyes, decision.at])
    .map_err(|error| {
        // The trigger has spoken; this only turns its refusal into words.
        let refused = error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation);
        if refused && decision.approve && decision.four_eyes && decision.by == published_by {
            StateRefused::FourEyes { approver: decision.by.clone() }
        } else {
            error.into()
        }
    })?;
    let number = db.last_insert_rowid();
    let mut open = db.prepare_cached("INSERT INTO without_sign_in (decision, name) VALUES (?1, ?2)")?;
    for name in &decision.without_sign_in {
        open.execute(params![number, name]).map_err(|error| {
            // As above: a trigger has refused it.
            match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::ConstraintViolation) => StateRefused::WithoutSignIn { name: name.clone() },
                _ => error.into(),
            }
        })?;
    }
    // An approval ends the service of the plugin's other release; a withdrawal ends only its own.
    db.prepare_cached(
        "UPDATE release SET state = 'retired' WHERE plugin = ?1 AND state = 'served' AND (?2 OR fingerprint = ?3)",
    )?
    .execute(params![plugin, decision.approve, key])?;
    db.prepare_cached("DELETE FROM served_name WHERE fingerprint IN (SELECT fingerprint FROM release WHERE plugin = ?1 AND state <> 'served')")?
        .execute([&plugin])?;
    if decision.approve {
        let taken: Option<(String, String)> = db
            .prepare_cached(
                "SELECT label.name, other.plugin || '@' || other.version FROM label
                 JOIN served_name USING (folded) JOIN release other ON other.fingerprint = served_name.fingerprint
                 WHERE label.fingerprint = ?1 ORDER BY label.name LIMIT 1",
            )?
            .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((name, other)) = taken {
            return Err(StateRefused::NameTaken { name, other });
        }
        db.prepare_cached(
            "INSERT INTO served_name (folded, fingerprint) SELECT folded, fingerprint FROM label WHERE fingerprint = ?1",
        )?
        .execute([key])?;
    }
    let state = if decision.approve { ReleaseState::Served } else { ReleaseState::Retired };
    db.prepare_cached("UPDATE release SET state = ?2 WHERE fingerprint = ?1")?.execute(params![key, state.as_str()])?;
    name_rows::settle(db, &plugin, key, decision.approve, decision.at)?;
    db.prepare_cached("UPDATE generation SET number = number + 1")?.execute([])?;
    Ok(())
}

const COLUMNS: &str = "SELECT fingerprint, plugin, version, manifest, files, digest, length(component), prefix,
    published_by, published_at, state FROM release";

pub(super) fn all(db: &Connection) -> Result<Vec<Release>, Unavailable> {
    releases(db, &format!("{COLUMNS} ORDER BY published_at DESC, rowid DESC"))
}

pub(super) fn served(db: &Connection) -> Result<Served, Unavailable> {
    let generation = db.query_row("SELECT number FROM generation", [], |row| row.get(0))?;
    let releases = releases(db, &format!("{COLUMNS} WHERE state = 'served' ORDER BY plugin"))?;
    Ok(Served { generation, releases })
}

pub(super) fn component(db: &Connection, fingerprint: Fingerprint) -> Result<Option<Vec<u8>>, Unavailable> {
    let mut select = db.prepare_cached("SELECT component FROM release WHERE fingerprint = ?1")?;
    Ok(select.query_row([fingerprint.0], |row| row.get(0)).optional()?)
}

pub(super) fn assets(db: &Connection, fingerprint: Fingerprint) -> Result<crate::AssetContents, Unavailable> {
    let mut select = db.prepare_cached("SELECT name, content FROM asset WHERE fingerprint = ?1 ORDER BY name")?;
    let assets = select.query_map([fingerprint.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(assets.collect::<Result<_, _>>()?)
}

fn releases(db: &Connection, sql: &str) -> Result<Vec<Release>, Unavailable> {
    let mut select = db.prepare_cached(sql)?;
    let mut releases = select.query_map([], release)?.collect::<Result<Vec<_>, _>>()?;
    for release in &mut releases {
        release.labels = db
            .prepare_cached("SELECT name, label FROM label WHERE fingerprint = ?1 ORDER BY name")?
            .query_map([release.fingerprint.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        release.assets = db
            .prepare_cached("SELECT name, digest FROM asset WHERE fingerprint = ?1 ORDER BY name")?
            .query_map([release.fingerprint.0], |row| Ok((row.get(0)?, Digest(row.get(1)?))))?
            .collect::<Result<_, _>>()?;
        let newest: Option<(i64, Approval)> = db
            .prepare_cached(
                "SELECT id, decided_by, four_eyes, at FROM decision WHERE fingerprint = ?1 AND approved ORDER BY id DESC LIMIT 1",
            )?
            .query_row([release.fingerprint.0], |row| {
                let (by, four_eyes, at) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((row.get(0)?, Approval { by, four_eyes, without_sign_in: Vec::new(), at }))
            })
            .optional()?;
        if let Some((decision, mut approval)) = newest {
            approval.without_sign_in = db
                .prepare_cached("SELECT name FROM without_sign_in WHERE decision = ?1 ORDER BY name")?
                .query_map([decision], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            release.approval = Some(approval);
        }
    }
    Ok(releases)
}

fn release(row: &Row<'_>) -> rusqlite::Result<Release> {
    let wrong = |column, error: String| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
    };
    let plugin: PluginName = row.get::<_, String>(1)?.parse().map_err(|error| wrong(1, format!("{error}")))?;
    let state = parse_state(&row.get::<_, String>(10)?).ok_or_else(|| wrong(10, "state".to_owned()))?;
    Ok(Release {
        id: ReleaseId { plugin, version: row.get(2)? },
        fingerprint: Fingerprint(row.get(0)?),
        manifest: row.get(3)?,
        files: row.get(4)?,
        assets: Vec::new(),
        digest: Digest(row.get(5)?),
        size: row.get(6)?,
        prefix: row.get(7)?,
        labels: Vec::new(),
        published_by: row.get(8)?,
        published_at: row.get(9)?,
        state,
        approval: None,
    })
}

fn state(db: &Connection, fingerprint: Fingerprint) -> Result<Option<ReleaseState>, Unavailable> {
    let mut select = db.prepare_cached("SELECT state FROM release WHERE fingerprint = ?1")?;
    let word: Option<String> = select.query_row([fingerprint.0], |row| row.get(0)).optional()?;
    Ok(word.as_deref().and_then(parse_state))
}

fn parse_state(word: &str) -> Option<ReleaseState> {
    [ReleaseState::Pending, ReleaseState::Served, ReleaseState::Retired]
        .into_iter()
        .find(|state| state.as_str() == word)
}
