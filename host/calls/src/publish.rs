//! What admins do: take a release in, decide on it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use portcullis_admission::SignInNeeded;
use portcullis_audit::{AdminAction, admin_row};
use portcullis_manifest::{AssetFiles, AssetName, Digest, Fingerprint, Label, Manifest, Package, ReleaseId, WireName};
use portcullis_store::{
    Decision, NewRelease, PublishOutcome, PublishRefused, Release, ReleaseState, StateRefused, Unavailable,
};

use crate::{
    Inspection, NotServed, ReadRelease, Source, SourceError, Unstable,
    catalogue::{Ready, Taken, read_stored},
    host::{Host, apart},
    moved, stable,
    way::now,
};

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
    /// What its author may not have meant, in plain words.
    pub notes: Vec<String>,
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
    /// Clients that hold an older list could not go on.
    #[error(transparent)]
    Unstable(#[from] Unstable),
    /// The store refuses it.
    #[error(transparent)]
    Store(#[from] PublishRefused),
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
    /// What should be called without sign-in is no tool of the release.
    #[error(
        "{release} has {} `{wanted}`: name each tool that may be called without sign-in as it is on the wire, or as in its \
         manifest. Its tools: {}",
        if *.several { "more than one tool that could be meant by" } else { "no tool" },
        tools.join(", ")
    )]
    Tool {
        /// Which.
        release: ReleaseId,
        /// What was asked for.
        wanted: String,
        /// It is the name on the wire of one and the name in the manifest of another.
        several: bool,
        /// Those that it has, on the wire.
        tools: Vec<String>,
    },
    /// A tool that is called only by somebody who has signed in.
    #[error("{release} is not approved: `{tool}` can't be called without sign-in: {why}")]
    SignInNeeded {
        /// Which.
        release: ReleaseId,
        /// On the wire.
        tool: WireName,
        /// Why.
        why: SignInNeeded,
    },
    /// What it would serve is another plugin's already.
    #[error("{release} is not approved: {taken}")]
    Taken {
        /// Which.
        release: ReleaseId,
        /// What.
        taken: Taken,
    },
    /// This host could not serve it, so it is not approved; what its plugin serves now stays served.
    #[error("{release} is not approved, because this host could not serve it: {why}")]
    NotServed {
        /// Which.
        release: ReleaseId,
        /// Why.
        why: NotServed,
    },
    /// Clients that hold an older list could not go on.
    #[error("{release} is not approved: {why}")]
    Unstable {
        /// Which.
        release: ReleaseId,
        /// Why.
        why: Box<Unstable>,
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
        let published = self.take_in(source, by).await;
        if let Err(error) = &published {
            self.admin_refused(AdminAction::Publish, by, None, error.rule()).await;
        }
        published
    }

    async fn take_in(&self, source: Source, by: &str) -> Result<Published, PublishError> {
        let source = self.with_prefix(source).await?;
        let (source, inspected) = apart(move || {
            let inspected = Inspection::of(&source);
            (source, inspected)
        })
        .await?;
        let Inspection { release, assets, .. } = inspected?;
        let (release, notes) = self.stable(release).await?;
        let Source { manifest, files, component, assets: _, prefix: _ } = source;
        let component = Arc::new(component);
        release.package.manifest.check_boundary(&self.policy.boundary).map_err(NotServed::from)?;
        self.load(&release, component.clone(), assets.clone()).await?;
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
            assets: stored_assets(package, &assets),
            component: Arc::unwrap_or_clone(component),
            digest: package.component,
            prefix: prefix.clone(),
            labels: labels.iter().map(|(name, label)| (name.to_string(), label.as_str().to_owned())).collect(),
            published_by: by.to_owned(),
            at: now(),
        };
        let row = admin_row(AdminAction::Publish, by, Some(*fingerprint), id.to_string());
        let known = match self.store.publish(new, row).await? {
            PublishOutcome::New => None,
            PublishOutcome::Known(state) => Some(state),
        };
        Ok(Published { id, fingerprint: *fingerprint, labels, known, notes })
    }

    /// Approves a release, or withdraws it, and serves what is served then. `which` is `plugin@version` or the first digits
    /// of a fingerprint.
    ///
    /// # Errors
    /// See [`DecideError`].
    pub async fn decide(&self, which: &str, approve: bool, by: &str) -> Result<(ReleaseId, Fingerprint), DecideError> {
        self.decide_with(which, approve, &[], by).await
    }

    /// Approves a release, as [`Host::decide`] does, and has the tools that are named callable without sign-in, by their names on
    /// the wire or in the manifest: only tools that read, and only as far as the operator lets any be. What an earlier approval
    /// said of that holds no longer.
    ///
    /// # Errors
    /// See [`DecideError`].
    pub async fn approve(
        &self,
        which: &str,
        without_sign_in: &[String],
        by: &str,
    ) -> Result<(ReleaseId, Fingerprint), DecideError> {
        self.decide_with(which, true, without_sign_in, by).await
    }

    async fn decide_with(
        &self,
        which: &str,
        approve: bool,
        without_sign_in: &[String],
        by: &str,
    ) -> Result<(ReleaseId, Fingerprint), DecideError> {
        let _one_at_a_time = self.admin.lock().await;
        let action = if approve { AdminAction::Approve } else { AdminAction::Withdraw };
        let release = self.find(which).await;
        let release = match release {
            Ok(release) => release,
            Err(error) => {
                self.admin_refused(action, by, None, error.rule()).await;
                return Err(error);
            }
        };
        let (id, fingerprint) = (release.id.clone(), release.fingerprint);
        // Proven before it is decided: an approval retires the release that is served now.
        let proven = match approve {
            true => match self.prove(&release, without_sign_in).await {
                Ok(ready) => Some(ready),
                Err(error) => {
                    self.admin_refused(action, by, Some(fingerprint), error.rule()).await;
                    return Err(error);
                }
            },
            false => None,
        };
        let four_eyes = self.four_eyes;
        let open: Vec<String> = proven.iter().flat_map(|ready| ready.without_sign_in.iter().cloned()).collect();
        let mut detail = format!("{id}{}", if approve && !four_eyes { ", without four eyes" } else { "" });
        if !open.is_empty() {
            detail += &format!("; without sign-in: {}", open.join(" "));
        }
        let by_whom = by.to_owned();
        let decision = Decision { fingerprint, approve, without_sign_in: open, by: by_whom, four_eyes, at: now() };
        let row = admin_row(action, by, Some(fingerprint), detail);
        if let Err(error) = self.store.decide(decision, row).await {
            let error = DecideError::from(error);
            self.admin_refused(action, by, Some(fingerprint), error.rule()).await;
            return Err(error);
        }
        if let Err(error) = self.reload_with(proven.as_ref()).await {
            // The decision is durable, so it holds from now on, whether or not the store can say what else is served.
            tracing::error!(target: "portcullis::alert", alert = "catalogue-not-read", %error, release = %id, "the decision is in force; the rest of the catalogue is as it was");
            let after = self.catalogue.load().after(fingerprint, proven, &self.policy);
            self.serve(after);
        }
        Ok((id, fingerprint))
    }

    /// A source that names no prefix takes the one that its clients know.
    async fn with_prefix(&self, source: Source) -> Result<Source, PublishError> {
        if source.prefix.is_some() {
            return Ok(source);
        }
        let releases = self.store.releases().await.map_err(PublishRefused::from)?;
        let known = move || {
            // What is wrong with the manifest is told when all of it is read.
            let id = Manifest::parse(&source.manifest).ok().map(|manifest| manifest.release());
            Source { prefix: id.and_then(|id| usual_prefix(&id, &releases)), ..source }
        };
        Ok(apart(known).await?)
    }

    /// A release that is handed in, if clients can go on with it, and what to tell its author. What is here already is only named again.
    async fn stable(&self, release: ReadRelease) -> Result<(ReadRelease, Vec<String>), PublishError> {
        let releases = self.store.releases().await.map_err(PublishRefused::from)?;
        if releases.iter().any(|known| known.fingerprint == release.fingerprint) {
            return Ok((release, Vec::new()));
        }
        let (names, policy) = (self.store.names().await.map_err(PublishRefused::from)?, self.policy.clone());
        let checked = apart(move || {
            stable::check(&release, &names, &releases, &policy)?;
            let notes = moved::notes(&release, &names, &releases, &policy);
            Ok::<_, Unstable>((release, notes))
        });
        Ok(checked.await??)
    }

    /// A release that is to be approved, ready to be served, with the tools that may be called without sign-in.
    async fn prove(&self, release: &Release, without_sign_in: &[String]) -> Result<Arc<Ready>, DecideError> {
        let open: BTreeSet<String> =
            without_sign_in.iter().map(|wanted| tool_of(release, wanted)).collect::<Result<_, _>>()?;
        let id = || release.id.clone();
        let ready = self.ready(release, open).await.map_err(|why| DecideError::NotServed { release: id(), why })?;
        // Again: since it was published others may have been served.
        let (names, releases) = (self.store.names().await?, self.store.releases().await?);
        let (row, policy) = (release.clone(), self.policy.clone());
        let checked = apart(move || Ok(stable::check(&read_stored(&row, &policy)?, &names, &releases, &policy))).await;
        let checked =
            checked.and_then(|checked| checked).map_err(|why| DecideError::NotServed { release: id(), why })?;
        checked.map_err(|why| DecideError::Unstable { release: id(), why: Box::new(why) })?;
        if let Some(taken) = self.catalogue.load().taken(&ready) {
            return Err(DecideError::Taken { release: id(), taken });
        }
        let named = ready.callable().filter(|tool| ready.without_sign_in.contains(tool.wire.as_str()));
        for tool in named {
            tool.can_be_open().map_err(|why| DecideError::SignInNeeded {
                release: id(),
                tool: tool.wire.clone(),
                why,
            })?;
        }
        Ok(ready)
    }

    async fn find(&self, which: &str) -> Result<Release, DecideError> {
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
        Ok(release.clone())
    }

    /// Records what an admin was refused. The refusal stands whether or not it can be recorded.
    pub(crate) async fn admin_refused(&self, action: AdminAction, by: &str, release: Option<Fingerprint>, rule: &str) {
        let detail = format!("{}: {rule}", action.as_str());
        if let Err(error) = self.audit.admin(AdminAction::Refused, by, release, detail).await {
            tracing::error!(target: "portcullis::alert", alert = "audit-write-failure", %error, "a refused admin action is not in the audit");
        }
    }
}

/// The prefix of the release that is here under this very version, which is immutable; else of the one that the plugin serves, or
/// that was approved last.
fn usual_prefix(id: &ReleaseId, releases: &[Release]) -> Option<String> {
    let same = releases.iter().find(|row| row.id == *id);
    let approved = || releases.iter().filter(|row| row.id.plugin == id.plugin && row.approval.is_some());
    let served = approved().find(|row| row.state == ReleaseState::Served);
    let last = || approved().max_by_key(|row| row.approval.as_ref().map(|approval| approval.at));
    same.or(served).or_else(last).map(|row| row.prefix.clone())
}

/// Each with the digest that the fingerprint covers.
fn stored_assets(package: &Package, assets: &AssetFiles) -> Vec<(String, Digest, Arc<[u8]>)> {
    let stored = |(name, digest): (&AssetName, &Digest)| {
        let content = assets.get(name.as_str())?.clone();
        Some((name.to_string(), *digest, content))
    };
    package.assets.iter().filter_map(stored).collect()
}

/// The tool of `release` that an approver names, on the wire or as in its manifest, as its name on the wire.
fn tool_of(release: &Release, wanted: &str) -> Result<String, DecideError> {
    let is_meant = |name: &&String| name.as_str() == wanted || name.strip_prefix(&release.prefix) == Some(wanted);
    let tools = || release.labels.iter().map(|(name, _)| name);
    let meant: Vec<_> = tools().filter(is_meant).collect();
    match meant[..] {
        [name] => Ok(name.clone()),
        _ => Err(DecideError::Tool {
            release: release.id.clone(),
            wanted: wanted.chars().take(100).collect(),
            several: !meant.is_empty(),
            tools: tools().cloned().collect(),
        }),
    }
}

fn unstable(why: &Unstable) -> &'static str {
    match why {
        Unstable::Foreign { .. } => "name of another plugin",
        Unstable::Stricter { .. } => "stricter label",
        Unstable::Schemas { .. } => "schemas of the release line",
        Unstable::Page { .. } => "pages of widgets",
    }
}

impl PublishError {
    /// The rule in words of the host's own: the message quotes the author's text, which has no place in the audit.
    fn rule(&self) -> &'static str {
        match self {
            Self::Source(error) | Self::NotServed(NotServed::Source(error)) => match error {
                SourceError::Manifest(_) => "manifest",
                SourceError::Package(_) | SourceError::Schema { .. } => "schemas",
                SourceError::Structure(_) => "structure of the component",
                SourceError::Imports(_) => "imports of the component",
                SourceError::Exports(_) => "exports of the component",
                SourceError::Prefix(_) => "prefix",
                SourceError::Widgets(_) => "pages of widgets",
                SourceError::AssetName { .. } | SourceError::Assets(_) => "assets",
            },
            Self::NotServed(NotServed::Boundary(_)) => "boundary",
            Self::NotServed(NotServed::Budget { .. }) => "memory budget",
            Self::NotServed(NotServed::Load(_)) => "contract of the component",
            Self::NotServed(NotServed::Compile(_)) => "limits of compiling",
            Self::NotServed(_) => "what is stored",
            Self::Unstable(why) => unstable(why),
            Self::Store(PublishRefused::VersionTaken { .. }) => "version is immutable",
            Self::Store(PublishRefused::Unavailable(_)) => "store",
        }
    }
}

impl DecideError {
    /// As [`PublishError::rule`].
    fn rule(&self) -> &'static str {
        match self {
            Self::Which { .. } => "no such release",
            Self::State(StateRefused::Unknown { .. }) => "no such release",
            Self::State(StateRefused::FourEyes { .. }) => "four eyes",
            Self::State(StateRefused::NameTaken { .. }) => "name taken",
            Self::Taken { .. } => "URI taken",
            Self::State(StateRefused::WithoutSignIn { .. }) | Self::SignInNeeded { .. } => "sign-in needed",
            Self::Tool { .. } => "no such tool",
            Self::State(StateRefused::Unavailable(_)) | Self::Unavailable(_) => "store",
            Self::NotServed { .. } => "not served",
            Self::Unstable { why, .. } => unstable(why),
        }
    }
}
