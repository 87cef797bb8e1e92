//! The language of manifests and the nouns that every other room shares: effects, labels, grants, limits, principals and
//! ids. Everything here is pure: it never reads a file, a clock, the network or the environment, so that the same manifest
//! always means the same thing.

mod assets;
mod confirm;
mod contract;
mod diff;
mod effect;
mod finding;
mod fingerprint;
pub mod http;
mod idn;
mod ids;
mod limits;
mod model;
mod notice;
mod offer;
mod package;
mod parse;
mod policy;
mod principal;
mod print;
mod reference;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod units;
pub mod uri;
mod widget;

pub use assets::{AssetFiles, MAX_ASSET, MAX_ASSET_BYTES, MAX_ASSETS, TooManyAssets};
pub use confirm::{Confirm, Preview};
pub use contract::{CONTRACT_VERSION, HOST_FUNCTIONS, HostFunction, Interface};
pub use diff::{Change, Changed, Segment};
pub use effect::{Access, Effect, Hints, Label};
pub use finding::{Finding, Findings, Place};
pub use idn::{Idn, IdnDoubt};
pub use ids::{
    ArgumentName, CapabilityName, Digest, Fingerprint, InvalidName, PluginName, ReleaseId, Scope, SecretName, ToolName,
    WireName,
};
pub use limits::{HARD_LIMITS, LIMITS, LimitRow, Limits, MAX_HEADER, MAX_HEADER_BYTES};
pub use model::{
    AskKind, Assets, Capability, FilesCapability, Grant, Hint, KvCapability, Manifest, Package, Partition, PluginInfo,
    Retired, Tool, Use,
};
pub use notice::NoticeLevel;
pub use offer::{Prompt, PromptArgument, Resource, TaskSupport, Visibility, Widget};
pub use package::{PackageError, PackageErrors};
pub use parse::{MAX_MANIFEST, ManifestError, ManifestErrors, Refusal};
pub use policy::{BoundaryError, BoundaryErrors, OutsideBoundary};
pub use principal::{Grants, Principal, PrincipalKey, Role};
pub use reference::{manifest_schema, reference_markdown};
pub use schema::{
    HeaderFault, MAX_SCHEMAS, MAX_SERVED, MAX_STEPS, Meter, Reading, SchemaBreak, SchemaRefusal, Side, validator,
};
pub use text::{TextFault, hides, hides_after, visible};
pub use units::{Bounds, Unit};
pub use uri::{AssetName, AssetPattern, UriTemplate};
pub use widget::{WidgetError, WidgetErrors, WidgetRefusal, guarded, is_page};
