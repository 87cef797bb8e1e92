//! What admins do: take a release in, decide on it.

use std::{collections::BTreeMap, sync::Arc};

use portcullis_audit::AdminAction;
use portcullis_manifest::{Fingerprint, Label, ReleaseId, WireName};
use portcullis_store::{Decision, NewRelease, PublishOutcome, PublishRefused, ReleaseState, StateRefused, Unavailable};

use crate::{Inspection, NotServed, ReadRelease, Source, SourceError, host::Host, way::now};

/// What publishing did.
#[derive(Debug)]
pub struct Published {
    /// The release.
    pub id: ReleaseId,
    /// What an approval will bind.
    pub fingerprint: Fingerprint,
    /// Names on the wire and their labels: what an approver sees.
    pub labels: Vec<(WireName, Label)>,
    /// Whether it was there already, and how it stands.
    pub known: Option<ReleaseState>,
}

/// A release was not taken in; nothing of it is kept but, perhaps, a compiled artefact.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Something in it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It can't be made ready to run.
    #[error(transparent)]
    NotServed(#[from] NotServed),
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] PublishRefused),
    /// The audit can't record it.
    #[error(transparent)]
    Audit(#[from] Unavailable),
}

/// A decision was not taken.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// No release is meant, or more than one.
    #[error(
        "`{wanted}` names {found} releases; name one by `plugin@version` or by the first digits of its fingerprint (`portcullis releases`)"
    )]
    Which {
        /// What was asked for.
        wanted: String,
        /// How many it names.
        found: usize,
    },
    /// The store refuses it.
    #[error(transparent)]
    State(#[from] StateRefused),
    /// It is approved, and this host can't serve it.
    #[error("{release} is approved, but not served: {why}")]
    NotServed {
        /// Which.
        release: ReleaseId,
        /// Why.
        why: NotServed,
    },
    /// The store or the audit does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Host {
    /// Takes a release in: reads it, compiles it under limits, proves that it can be linked, and keeps it as pending.
    ///
    /// # Errors
    /// See [`PublishError`].
    pub async fn publish(&self, source: Source, by: &str) -> Result<Published, PublishError> {
        let _one_at_a_time = self.admin.lock().await;
        let Inspection { release, .. } = Inspection::of(&source)?;
        let Source { manifest, files, component, prefix: _ } = source;
        let component = Arc::new(component);
        self.load(&release, component.as_ref().clone()).await?;
        let ReadRelease { package, fingerprint, prefix } = &release;
        let labels = release.labels().map_err(SourceError::from)?;
        let named = |(name, bytes): (String, Vec<u8>)| {
            // Only what the manifest names: nothing else is covered by the fingerprint, so nothing else is kept.
            let text = package.schemas.contains_key(&name).then(|| String::from_utf8(bytes).ok()).flatten()?;
            Some((name, text))
        };
        let files: BTreeMap<String, String> = files.into_iter().filter_map(named).collect();
        let id = package.manifest.release();
        let new = NewRelease {
            id: id.clone(),
            fingerprint: *fingerprint,
            manifest,
            files: serde_json::to_string(&files).expect("strings can be written as JSON"),
            component: Arc::unwrap_or_clone(component),
            digest: package.component,
            prefix: prefix.clone(),
            labels: labels.iter().map(|(name, label)| (name.to_string(), label.as_str().to_owned())).collect(),
            published_by: by.to_owned(),
            at: now(),
        };
        let known = match self.store.publish(new).await? {
            PublishOutcome::New => None,
            PublishOutcome::Known(state) => Some(state),
        };
        self.audit.admin(AdminAction::Publish, by, Some(*fingerprint), id.to_string()).await?;
        Ok(Published { id, fingerprint: *fingerprint, labels, known })
    }

    /// Approves a release, or withdraws it, and serves what is served then. `which` is `plugin@version` or the first digits
    /// of a fingerprint.
    ///
    /// # Errors
    /// See [`DecideError`].
    pub async fn decide(&self, which: &str, approve: bool, by: &str) -> Result<(ReleaseId, Fingerprint), DecideError> {
        let _one_at_a_time = self.admin.lock().await;
        let releases = self.store.releases().await?;
        let digits = which.strip_prefix("sha256:").unwrap_or(which);
        let meant: Vec<_> = releases
            .iter()
            .filter(|release| {
                let fingerprint = release.fingerprint.to_string();
                release.id.to_string() == which
                    || (digits.len() >= 8 && fingerprint["sha256:".len()..].starts_with(digits))
            })
            .collect();
        let [release] = meant[..] else {
            return Err(DecideError::Which { wanted: which.chars().take(100).collect(), found: meant.len() });
        };
        let fingerprint = release.fingerprint;
        let four_eyes = self.four_eyes;
        let decision = Decision { fingerprint, approve, by: by.to_owned(), four_eyes, at: now() };
        self.store.decide(decision).await?;
        let action = if approve { AdminAction::Approve } else { AdminAction::Withdraw };
        let detail = format!("{}{}", release.id, if four_eyes { "" } else { ", without four eyes" });
        self.audit.admin(action, by, Some(fingerprint), detail).await?;
        let left_out = self.reload().await?;
        if let Some((_, why)) = left_out.into_iter().find(|(left_out, _)| *left_out == fingerprint) {
            return Err(DecideError::NotServed { release: release.id.clone(), why });
        }
        Ok((release.id.clone(), fingerprint))
    }
}
