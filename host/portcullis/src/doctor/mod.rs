//! `portcullis doctor`: looks at an operator's set-up from outside, as a client that has only the public URL would, and says of
//! each fault what to change. It must never send a token, need a secret, or believe a document more than a client does.

mod challenge;
mod chatgpt;
mod clock;
mod fetch;
mod finding;
mod front;
mod issuer;
mod keys;
mod resource;
#[cfg(test)]
mod tests;

use portcullis_egress::{AddressPolicy, Egress, EgressConfig};
use portcullis_mcp::PublicUrl;

use crate::{commands::terminal, config::Config, exit::Failure};
use fetch::Outside;
use finding::{Report, Verdict};

/// What this configuration says of the host that is looked at; nothing of what it says where another one is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Expected {
    issuer: Option<String>,
    key_set: Option<String>,
    /// Whose signatures are accepted.
    algorithms: Vec<String>,
    /// Whether tokens are looked up at the issuer, so that it needs no keys.
    introspection: bool,
    without_sign_in: bool,
}

/// Looks at the public URL, of the configuration or as it is given.
///
/// # Errors
/// When there is no URL to look at, or when a fault was found; all is printed by then.
pub(crate) async fn run(config: &Config, given: Option<&str>, json: bool) -> Result<(), Failure> {
    let url: PublicUrl = match given {
        Some(given) => given.parse().map_err(Failure::usage)?,
        None => config.public_url()?.ok_or_else(|| {
            Failure::usage(
                "there is no public URL to look at: set `public_url` in the configuration, or give one with `--url`",
            )
        })?,
    };
    let ours = config.public_url()?.is_some_and(|public| public.as_str() == url.as_str());
    let egress = Egress::start(egress(config)).map_err(|error| Failure::usage(format_args!("the way out: {error}")))?;
    let report = examine(&Outside::new(egress), &url, &Expected::of(config, ours)).await;
    let (faults, warnings) = (report.count(Verdict::Fault), report.count(Verdict::Warning));
    if json {
        println!("{}", terminal::json(&format!("{:#}", report.json(url.as_str()))));
    } else {
        print!("{report}");
        println!("{}, {}", counted(faults, "fault"), counted(warnings, "warning"));
    }
    match faults {
        0 => Ok(()),
        _ => Err(Failure::refused(format_args!("{} found at {}", counted(faults, "fault"), url.as_str()))),
    }
}

/// The operator's way out, for somebody who asks from outside: no secrets, and this machine's own public addresses are
/// public.
fn egress(config: &Config) -> EgressConfig {
    let EgressConfig { resolver, roots, addresses, deadlines, connections, connections_per_origin, .. } =
        config.egress(Vec::new());
    let addresses = AddressPolicy { private: addresses.private, ..AddressPolicy::default() };
    EgressConfig {
        resolver,
        roots,
        addresses,
        deadlines,
        connections,
        connections_per_origin,
        secrets: std::collections::BTreeMap::new(),
    }
}

async fn examine(outside: &Outside, url: &PublicUrl, expected: &Expected) -> Report {
    let mut report = Report::default();
    let Some(met) = front::check(outside, &mut report, url, expected).await else { return report };
    let resource = resource::check(outside, &mut report, url, &met, expected).await;
    for issuer in &resource.issuers {
        let Some(metadata) = issuer::check(outside, &mut report, issuer, &resource.scopes).await else { continue };
        keys::check(outside, &mut report, issuer, &metadata, expected).await;
        chatgpt::check(&mut report, url.as_str(), issuer, &metadata);
    }
    report
}

impl Expected {
    fn of(config: &Config, ours: bool) -> Self {
        let section = &config.authentication;
        let algorithms = section.algorithms.iter().map(|algorithm| algorithm.as_str().to_owned()).collect();
        if !ours || section.issuer.is_none() {
            return Self { algorithms, ..Self::default() };
        }
        Self {
            issuer: section.issuer.clone(),
            key_set: section.key_set.clone(),
            algorithms,
            introspection: section.introspection.is_some(),
            without_sign_in: section.without_sign_in,
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
