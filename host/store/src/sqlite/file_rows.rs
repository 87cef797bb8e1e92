//! The tables `file` and `file_usage`: what there is, and which blob holds it.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::blob::{Blob, BlobAt, BlobId};
use crate::{CommitRefused, FileEntry, FilesLimits, FilesPage, FilesPartition, FilesUsage, Unavailable};

/// The writes of a commit whose contents are blobs already; none removes a file.
pub(super) type Staged = BTreeMap<FilesPartition, (FilesLimits, BTreeMap<String, Option<Blob>>)>;

pub(super) fn find(db: &Connection, at: &FilesPartition, name: &str) -> Result<Option<Blob>, Unavailable> {
    let mut select = db.prepare_cached(
        "SELECT blob, size, digest FROM file WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND name = ?4",
    )?;
    let found = select.query_row(params![at.plugin, at.capability, at.owner, name], |row| {
        let at = BlobAt { plugin: at.plugin.clone(), owner: at.owner.clone(), id: BlobId(row.get(0)?) };
        Ok(Blob { at, size: row.get(1)?, digest: row.get(2)? })
    });
    Ok(found.optional()?)
}

pub(super) fn list(
    db: &Connection,
    at: &FilesPartition,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<FilesPage, Unavailable> {
    // The empty name comes after no name.
    let beyond = if after.is_some() { "name > ?5" } else { "?5 IS NULL" };
    let mut select = db.prepare_cached(&format!(
        "SELECT name, size FROM file WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND name >= ?4 AND {beyond}
         ORDER BY name LIMIT ?6",
    ))?;
    let limited = u64::from(limit) + 1;
    let mut rows = select.query(params![at.plugin, at.capability, at.owner, prefix, after, limited])?;
    let mut page = FilesPage::default();
    while let Some(row) = rows.next()? {
        let entry = FileEntry { name: row.get(0)?, size: row.get(1)? };
        if !entry.name.starts_with(prefix) {
            break;
        }
        if page.entries.len() == limit as usize {
            page.more = true;
            break;
        }
        page.entries.push(entry);
    }
    Ok(page)
}

pub(super) fn usage(db: &Connection, at: &FilesPartition) -> Result<FilesUsage, Unavailable> {
    let mut select =
        db.prepare_cached("SELECT bytes, files FROM file_usage WHERE plugin = ?1 AND capability = ?2 AND owner = ?3")?;
    let usage = select.query_row(params![at.plugin, at.capability, at.owner], |row| {
        Ok(FilesUsage { bytes: row.get(0)?, files: row.get(1)? })
    });
    Ok(usage.optional()?.unwrap_or_default())
}

/// Applies every write, checking the quota against what is committed now, and gives the blobs that no row names any longer. As
/// with keys, a partition that holds too much already may only shrink.
pub(super) fn apply(db: &Connection, writes: &Staged) -> Result<Vec<BlobAt>, CommitRefused> {
    let mut replaced = Vec::new();
    for (partition, (limits, files)) in writes {
        let before = usage(db, partition)?;
        let FilesUsage { mut bytes, files: mut count } = before;
        for (name, write) in files {
            if let Some(old) = find(db, partition, name)? {
                bytes -= old.size;
                count -= 1;
                replaced.push(old.at);
            }
            if let Some(new) = write {
                bytes += new.size;
                count += 1;
            }
            put(db, partition, name, write.as_ref())?;
        }
        let over = |what, wanted, limit, manifest_key| {
            let capability = partition.capability.clone();
            Err(CommitRefused::OverQuota { capability, what, wanted, limit, manifest_key })
        };
        if bytes > limits.bytes && bytes > before.bytes {
            return over("bytes", bytes, limits.bytes, "quota");
        }
        if count > limits.files && count > before.files {
            return over("files", count, limits.files, "files");
        }
        db.prepare_cached(
            "INSERT INTO file_usage (plugin, capability, owner, bytes, files) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET bytes = ?4, files = ?5",
        )?
        .execute(params![partition.plugin, partition.capability, partition.owner, bytes, count])?;
    }
    Ok(replaced)
}

fn put(db: &Connection, at: &FilesPartition, name: &str, blob: Option<&Blob>) -> rusqlite::Result<()> {
    match blob {
        Some(blob) => db
            .prepare_cached(
                "INSERT INTO file (plugin, capability, owner, name, size, digest, blob)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET size = ?5, digest = ?6, blob = ?7",
            )?
            .execute(params![at.plugin, at.capability, at.owner, name, blob.size, blob.digest, blob.at.id.0])?,
        None => db
            .prepare_cached("DELETE FROM file WHERE plugin = ?1 AND capability = ?2 AND owner = ?3 AND name = ?4")?
            .execute(params![at.plugin, at.capability, at.owner, name])?,
    };
    Ok(())
}

/// Whether a row names a blob.
pub(super) fn names(db: &Connection, blob: &BlobAt) -> Result<bool, Unavailable> {
    let mut select =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM file WHERE blob = ?1 AND plugin = ?2 AND owner = ?3)")?;
    Ok(select.query_row(params![blob.id.0, blob.plugin, blob.owner], |row| row.get(0))?)
}

/// How many blobs there should be.
pub(super) fn count(db: &Connection) -> Result<u64, Unavailable> {
    Ok(db.query_row("SELECT count(*) FROM file", [], |row| row.get(0))?)
}
