//! The host as one value: everything that a call or an admin needs.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use arc_swap::ArcSwap;
use portcullis_audit::{AdminAction, AuditLog, Pseudonyms};
use portcullis_backend::{
    Answered, Authorization, Backend, CallAnswer, CallRefused, CallRequest, Change, Credentials, KeptEvents,
    KeptQuestion, List, ListKind, NotKept, NotOpened, OpenQuestions, Refusal, Resource, ServerInfo, StreamEvents, Task,
    TaskId, TaskUpdate, Unauthenticated,
};
use portcullis_egress::Egress;
use portcullis_identity::{Denials, FailureCounts, Failures, Identity, NotProven, Presented};
use portcullis_manifest::{AssetFiles, Principal, PrincipalKey};
use portcullis_sandbox::{ArtefactCache, Compiler, Engine, EngineError, HostKey, Plugin, PoolLimits, Services};
use portcullis_store::{AuditEntry, AuditFilter, Release, Store, Unavailable};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    CapacityLimits, NotServed, Policy, RateLimits,
    capacity::{Capacity, needs},
    catalogue::{Catalogue, Ready, read_stored, stored_assets},
    deny::Denying,
    rate::{Rates, network},
    release::exports,
    replaced::replaced,
    task::{self, Tasks},
    tombstone::Tombstones,
    way::Seals,
};

/// How long guests may take to end once their calls were dropped. Each ends at its next tick of 10 ms, or when the one
/// instruction ends that it is in.
const ENDING: Duration = Duration::from_secs(2);

/// How many changes may wait for a subscriber before it is told to take everything for changed.
const CHANGES: usize = 256;

/// What a host is made of. The caller has the store open and the compiling helper running.
pub struct HostConfig {
    /// The data directory: for the host's key and the artefacts.
    pub data: PathBuf,
    /// How principals are established.
    pub identity: Identity,
    /// What the server says of itself.
    pub server: ServerInfo,
    /// What the pools are made for.
    pub pool: PoolLimits,
    /// Budgets.
    pub capacity: CapacityLimits,
    /// How often calls may be made.
    pub rates: RateLimits,
    /// Whether an approver must be another person than the publisher.
    pub four_eyes: bool,
    /// The one way out.
    pub egress: Egress,
    /// What the operator says of tools.
    pub policy: Policy,
    /// Whom this host's listeners shut out; kept as the store has it.
    pub denials: Denials,
}

/// A host can't be started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its key or its artefacts.
    #[error("the data directory: {0}")]
    Data(#[from] std::io::Error),
    /// Its engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Its store.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

/// See the module.
pub struct Host {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) audit: AuditLog,
    pub(crate) pseudonyms: Pseudonyms,
    pub(crate) local_name: Arc<str>,
    pub(crate) catalogue: ArcSwap<Catalogue>,
    pub(crate) capacity: Capacity,
    pub(crate) rates: Rates,
    pub(crate) engine: Arc<Engine>,
    pub(crate) artefacts: ArtefactCache,
    pub(crate) compiler: Arc<Compiler>,
    pub(crate) four_eyes: bool,
    pub(crate) seals: Seals,
    pub(crate) policy: Policy,
    pub(crate) denying: Denying,
    pub(crate) tombstones: Tombstones,
    /// Publishing, deciding and reloading go one after the other.
    pub(crate) admin: tokio::sync::Mutex<()>,
    pub(crate) identity: Identity,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) tasks: Tasks,
    /// For what goes on when whoever asked for it has gone.
    pub(crate) this: Weak<Self>,
    server: ServerInfo,
    key: HostKey,
    admin_failures: OnceLock<Failures>,
}

impl Host {
    /// Starts a host and serves what is approved. Releases that can't be served are left out, each with an alert.
    ///
    /// # Errors
    /// See [`HostError`].
    pub async fn start(config: HostConfig, store: Arc<dyn Store>, compiler: Compiler) -> Result<Arc<Self>, HostError> {
        let HostConfig { data, identity, server, pool, capacity, rates, four_eyes, egress, policy, denials } = config;
        let key = HostKey::open(&data, store.releases().await?.is_empty())?;
        let artefacts = ArtefactCache::open(&data, &key)?;
        let pseudonyms = Pseudonyms::new(key.derive("pseudonym"));
        let services = Services {
            store: store.clone(),
            pseudonyms: pseudonyms.clone(),
            egress: Arc::new(egress),
            boundary: policy.boundary.clone(),
        };
        let denying = Denying::start(store.clone(), denials).await?;
        let engine = Arc::new(Engine::start(pool, services)?);
        let audit = AuditLog::start(store.clone());
        task::abandon(&store).await?;
        let tombstones = Tombstones::new(store.clone());
        let host = Arc::new_cyclic(|this| Self {
            store,
            audit,
            pseudonyms,
            local_name: "local".into(),
            catalogue: ArcSwap::from_pointee(Catalogue::empty()),
            capacity: Capacity::new(capacity),
            rates: Rates::new(rates),
            engine,
            artefacts,
            compiler: Arc::new(compiler),
            four_eyes,
            seals: Seals::new(|purpose| key.derive(purpose)),
            policy,
            denying,
            tombstones,
            admin: tokio::sync::Mutex::new(()),
            identity,
            changes: broadcast::channel(CHANGES).0,
            tasks: Tasks::new(capacity.calls),
            this: this.clone(),
            server,
            key,
            admin_failures: OnceLock::new(),
        });
        host.audit.admin(AdminAction::Start, "host", None, host.server.version.clone()).await?;
        host.reload().await?;
        Ok(host)
    }

    /// Records that credentials were refused, by which rule of `host/identity`, and from where, as far as two that came from the
    /// same place can be told to (catalogue AU-26). Nothing of the credentials.
    pub fn refused_token(&self, rule: &'static str, source: Option<IpAddr>) {
        let source = source.map(|source| self.pseudonyms.of_source(network(source))).unwrap_or_default();
        self.audit.refused(rule, &source, "", Uuid::nil());
    }

    /// Records that somebody who is proven holds no role for what they asked of the admin plane (catalogue AU-07). By name, as
    /// everything that admins do.
    pub fn refused_role(&self, by: &str) {
        self.audit.refused("role", by, "", Uuid::nil());
    }

    /// What the admin plane counts, which has tokens of its own, is shown too from here on.
    pub fn count_admin_failures(&self, failures: Failures) {
        let _ = self.admin_failures.set(failures);
    }

    /// Refused access tokens since the host started, of each plane that takes any: `mcp`, `admin` (catalogue AU-26).
    #[must_use]
    pub fn failures(&self) -> Vec<(&'static str, FailureCounts)> {
        let planes = [("mcp", self.identity.failures()), ("admin", self.admin_failures.get())];
        planes.into_iter().filter_map(|(plane, failures)| Some((plane, failures?.counts()))).collect()
    }

    /// A key for one purpose, derived from the host's.
    #[must_use]
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        self.key.derive(purpose)
    }

    /// Every release, newest first.
    ///
    /// # Errors
    /// When the store cannot answer.
    pub async fn releases(&self) -> Result<Vec<Release>, Unavailable> {
        self.store.releases().await
    }

    /// Audit records, newest first. Reading them is itself recorded (catalogue AD-40).
    ///
    /// # Errors
    /// When the store cannot answer or the reading can't be recorded.
    pub async fn audit(&self, by: &str, filter: AuditFilter) -> Result<Vec<AuditEntry>, Unavailable> {
        self.audit.flush().await?;
        let entries = self.store.audit(filter).await?;
        self.audit.admin(AdminAction::ReadAudit, by, None, format!("{} records", entries.len())).await?;
        Ok(entries)
    }

    /// Waits for guests that are being ended, and writes what waits. The last thing before the process ends; nobody may
    /// call any more.
    ///
    /// # Errors
    /// When it can't be written.
    pub async fn stop(&self) -> Result<(), Unavailable> {
        self.tasks.stop(ENDING).await;
        // Whatever becomes of one, the other is written.
        let counted = self.tombstones.flush().await;
        self.audit.close(ENDING).await?;
        counted?;
        self.audit.admin(AdminAction::Stop, "host", None, String::new()).await
    }

    /// Makes the catalogue anew from the store. What is ready already stays so: only releases that are new to it are read,
    /// compiled and loaded.
    ///
    /// Gives the releases that are approved and can't be served.
    pub(crate) async fn reload(&self) -> Result<Vec<(portcullis_manifest::Fingerprint, NotServed)>, Unavailable> {
        self.reload_with(None).await
    }

    /// As [`Host::reload`]; `proven` is ready and may be new to the catalogue.
    pub(crate) async fn reload_with(
        &self,
        proven: Option<&Arc<Ready>>,
    ) -> Result<Vec<(portcullis_manifest::Fingerprint, NotServed)>, Unavailable> {
        let served = self.store.served().await?;
        // Before what is served: who asks between the two finds the tool, or what became of it.
        self.tombstones.read().await?;
        let (mut ready, mut left_out) = (Vec::new(), Vec::new());
        for row in &served.releases {
            let open = without_sign_in(row);
            let same = |proven: &&Arc<Ready>| proven.fingerprint == row.fingerprint && proven.without_sign_in == open;
            if let Some(proven) = proven.filter(same) {
                ready.push(proven.clone());
                continue;
            }
            match self.ready(row, open).await {
                Ok(release) => ready.push(release),
                Err(error) => {
                    tracing::error!(target: "portcullis::alert", alert = "release-not-served", release = %row.id, %error, "an approved release is not served");
                    left_out.push((row.fingerprint, error));
                }
            }
        }
        for plugin in self.policy.access.keys() {
            if !served.releases.iter().any(|row| row.id.plugin == *plugin) {
                // Perhaps a name that is misspelt, and the plugin that was meant is for everybody.
                tracing::warn!(%plugin, "[access] names a plugin that is not served: when one of that name is, only those groups see it");
            }
        }
        self.serve(Catalogue::new(served.generation, ready, &self.policy));
        Ok(left_out)
    }

    /// Serves another catalogue, and tells who wants to know.
    pub(crate) fn serve(&self, catalogue: Catalogue) {
        let now = Arc::new(catalogue);
        let before = self.catalogue.swap(Arc::clone(&now));
        // Without a subscriber there is nobody to tell.
        if self.changes.send(Change::Catalogue).is_ok() {
            let _ = self.changes.send(replaced(before, now));
        }
    }

    /// A stored release, ready to be served with the tools in `open` callable without sign-in: as the catalogue has it, or
    /// read, loaded and compiled now.
    pub(crate) async fn ready(&self, row: &Release, open: BTreeSet<String>) -> Result<Arc<Ready>, NotServed> {
        let known = self.catalogue.load().ready(row.fingerprint).cloned();
        let (row, policy) = (row.clone(), self.policy.clone());
        let (release, plugin, assets) = match known {
            Some(known) if known.without_sign_in == open => return Ok(known),
            // Approved anew, with other tools open: the guest is the same.
            Some(known) => {
                let release = apart(move || read_stored(&row, &policy)).await??;
                (release, known.plugin.clone(), known.assets.clone())
            }
            None => {
                let component = self.store.component(row.fingerprint).await?;
                let component = Arc::new(component.ok_or_else(|| NotServed::Row("it has no component".to_owned()))?);
                let bytes = component.clone();
                let contents = self.store.assets(row.fingerprint).await?;
                let (release, assets) = apart(move || {
                    let found = portcullis_manifest::Digest::of(&bytes);
                    if found != row.digest {
                        return Err(NotServed::Component { found });
                    }
                    let release = read_stored(&row, &policy)?;
                    let assets = Arc::new(stored_assets(&release, &contents)?);
                    Ok((release, assets))
                })
                .await??;
                let plugin = self.load(&release, component, assets.clone()).await?;
                (release, plugin, assets)
            }
        };
        let policy = self.policy.clone();
        Ok(Arc::new(apart(move || Ready::new(&release, plugin, assets, open, &policy)).await??))
    }

    /// Loads a component, compiling it first where this host has no artefact of it.
    pub(crate) async fn load(
        &self,
        release: &crate::ReadRelease,
        component: Arc<Vec<u8>>,
        assets: Arc<AssetFiles>,
    ) -> Result<Plugin, NotServed> {
        use portcullis_sandbox::{ArtefactError, LoadError};
        let manifest = &release.package.manifest;
        // What a call reserves: `Capacity::enter`.
        let uses = manifest.tools.iter().map(|tool| &tool.uses);
        let uses = uses.chain(manifest.prompts.iter().map(|prompt| &prompt.uses));
        let uses = uses.chain(manifest.resources.iter().map(|resource| &resource.uses));
        let each = uses.map(|uses| needs(&manifest.limits, &manifest.held(uses)));
        let (needed, budget) = (each.max().unwrap_or(0), self.capacity.memory());
        if needed > budget {
            return Err(NotServed::Budget { needed, budget });
        }
        let opened: Vec<_> = manifest.interfaces().into_iter().collect();
        let needed = exports(manifest);
        let (id, limits, digest) = (manifest.release(), manifest.limits.clone(), release.package.component);
        let (engine, artefacts, compiler) = (self.engine.clone(), self.artefacts.clone(), self.compiler.clone());
        apart(move || {
            let load = || Plugin::load(&engine, &artefacts, &component, &opened, &needed, assets.clone(), &limits);
            match load() {
                Ok(plugin) => return Ok(plugin),
                Err(LoadError::NotCompiled) => {}
                Err(LoadError::Artefact(error)) => {
                    // Another engine's artefact after an upgrade, or somebody's: either way it is made anew from the component.
                    let foreign = matches!(error, ArtefactError::Foreign);
                    tracing::warn!(target: "portcullis::alert", alert = "artefact-refused", release = %id, foreign, %error, "compiling again");
                }
                Err(error) => return Err(error.into()),
            }
            let artefact = compiler.compile(&component)?;
            let io = |error| NotServed::Load(LoadError::Artefact(ArtefactError::Io(error)));
            artefacts.put(digest, &artefact).map_err(io)?;
            Ok(load()?)
        })
        .await?
    }
}

/// What the newest approval of a release says of calls without sign-in.
fn without_sign_in(row: &Release) -> BTreeSet<String> {
    row.approval.iter().flat_map(|approval| approval.without_sign_in.iter().cloned()).collect()
}

/// Does `work`, which may take long, on a thread that answers nobody.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotServed> {
    tokio::task::spawn_blocking(work).await.map_err(|error| NotServed::Unfinished(error.to_string()))
}

impl Backend for Host {
    fn server(&self) -> &ServerInfo {
        &self.server
    }

    async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Principal, Unauthenticated> {
        let authorization = match credentials.authorization {
            Authorization::Absent => portcullis_identity::Authorization::Absent,
            Authorization::Value(value) => portcullis_identity::Authorization::Value(value),
            Authorization::Unreadable => portcullis_identity::Authorization::Unreadable,
        };
        let presented = Presented { authorization, source: credentials.source };
        self.identity.authenticate(&presented).await.map_err(|refused| {
            self.refused_token(refused.rule(), credentials.source);
            match refused {
                NotProven::Missing => Unauthenticated::Missing,
                NotProven::Invalid { reason, .. } => Unauthenticated::Invalid { reason },
                NotProven::TooMany { retry_after } => Unauthenticated::TooMany { retry_after },
                NotProven::Unavailable { reason, retry_after } => Unauthenticated::Unavailable { reason, retry_after },
            }
        })
    }

    fn resource(&self) -> Option<Resource> {
        let issuers = vec![self.identity.issuer()?.to_owned()];
        Some(Resource { issuers, scopes: self.catalogue.load().scopes().to_vec() })
    }

    fn list(&self, kind: ListKind, principal: &Principal) -> Arc<List> {
        self.catalogue.load().list(kind, principal)
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    async fn call(&self, request: CallRequest) -> Result<CallAnswer, CallRefused> {
        self.answer_or_task(request).await
    }

    async fn task(&self, principal: &Principal, id: TaskId) -> Result<Task, CallRefused> {
        self.read_task(principal, id).await
    }

    async fn update_task(&self, update: TaskUpdate) -> Result<(), CallRefused> {
        self.take_replies(update).await
    }

    async fn cancel_task(&self, principal: &Principal, id: TaskId) -> Result<(), CallRefused> {
        self.end_task(principal, id).await
    }

    async fn keep_events(&self, events: StreamEvents) -> Result<(), NotKept> {
        self.keep(events).await
    }

    async fn kept_events(&self, stream: Uuid, holder: String, after: u64) -> Result<Option<KeptEvents>, NotKept> {
        self.kept(stream, holder, after).await
    }

    async fn open_questions(&self, questions: OpenQuestions) -> Result<(), NotOpened> {
        self.put_questions(questions).await
    }

    async fn kept_questions(&self, ids: Vec<Uuid>) -> Result<Vec<KeptQuestion>, NotKept> {
        self.questions(ids).await
    }

    async fn answer_question(&self, holder: String, id: Uuid, answer: Answered) -> Result<bool, NotKept> {
        self.answer_to(holder, id, answer).await
    }

    async fn claim_question(&self, holder: String, id: Uuid) -> Result<bool, NotKept> {
        self.claim(holder, id).await
    }

    async fn cancel_questions(
        &self,
        principal: PrincipalKey,
        holder: String,
        request: [u8; 32],
    ) -> Result<(), NotKept> {
        self.cancel(&principal, holder, request).await
    }

    async fn close_questions(&self, ids: Vec<Uuid>) -> Result<(), NotKept> {
        self.close(ids).await
    }

    fn healthy(&self) -> bool {
        self.audit.accepting()
    }

    fn refused(&self, refusal: Refusal) {
        let principal = match &refusal.principal {
            Some(principal) => self.audit_name(principal),
            None => "".into(),
        };
        self.audit.refused(refusal.rule.as_str(), &principal, "", Uuid::nil());
    }
}
