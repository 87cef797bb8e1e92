//! What was looked at, what was found, and what would mend it.

use std::fmt;

use portcullis_manifest::visible;
use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, for some or for now.
    Warning,
    /// Somebody can't sign in, or somebody can who must not.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// Which check: one of a closed list, the same in every version, for programs.
    pub(super) check: Check,
    pub(super) verdict: Verdict,
    /// Where: a URL.
    pub(super) at: String,
    /// What was found. May quote what others serve.
    pub(super) found: String,
    /// What to change; nothing where it is as it should be.
    pub(super) change: String,
}

/// What is looked at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    /// The public URL's form.
    Url,
    /// Its name, its addresses, a connection.
    Reach,
    /// Its certificate.
    Tls,
    /// What it says to a request without a token.
    Challenge,
    /// Its protected resource metadata.
    Metadata,
    /// `resource` of that.
    Resource,
    /// `scopes_supported`.
    Scopes,
    /// `authorization_servers`.
    AuthorizationServers,
    /// The metadata of one of those.
    IssuerMetadata,
    /// `issuer` of that.
    Issuer,
    /// Its endpoints.
    Endpoints,
    /// `code_challenge_methods_supported`.
    Pkce,
    /// How a client becomes known to it.
    Registration,
    /// `authorization_response_iss_parameter_supported`.
    ResponseIssuer,
    /// Its keys.
    Keys,
    /// Its clock.
    Clock,
    /// What ChatGPT needs beyond.
    ChatGpt,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Report(Vec<Finding>);

/// Longest quotation of what others serve.
const QUOTED: usize = 200;

/// What others serve, cut, in quotes, with nothing in it that hides.
pub(super) fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTED).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", visible(&cut))
}

impl Check {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Reach => "reach",
            Self::Tls => "tls",
            Self::Challenge => "challenge",
            Self::Metadata => "metadata",
            Self::Resource => "resource",
            Self::Scopes => "scopes",
            Self::AuthorizationServers => "authorization-servers",
            Self::IssuerMetadata => "issuer-metadata",
            Self::Issuer => "issuer",
            Self::Endpoints => "endpoints",
            Self::Pkce => "pkce",
            Self::Registration => "registration",
            Self::ResponseIssuer => "response-issuer",
            Self::Keys => "keys",
            Self::Clock => "clock",
            Self::ChatGpt => "chatgpt",
        }
    }
}

impl Verdict {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

impl Report {
    pub(super) fn ok(&mut self, check: Check, at: impl Into<String>, found: impl Into<String>) {
        self.add(check, Verdict::Ok, at, found, "");
    }

    pub(super) fn warning(
        &mut self,
        check: Check,
        at: impl Into<String>,
        found: impl Into<String>,
        change: impl Into<String>,
    ) {
        self.add(check, Verdict::Warning, at, found, change);
    }

    pub(super) fn fault(
        &mut self,
        check: Check,
        at: impl Into<String>,
        found: impl Into<String>,
        change: impl Into<String>,
    ) {
        self.add(check, Verdict::Fault, at, found, change);
    }

    /// As a fault or as a warning.
    pub(super) fn add(
        &mut self,
        check: Check,
        verdict: Verdict,
        at: impl Into<String>,
        found: impl Into<String>,
        change: impl Into<String>,
    ) {
        self.0.push(Finding { check, verdict, at: at.into(), found: found.into(), change: change.into() });
    }

    pub(super) fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// Whether one of these checks found a fault at `at`.
    pub(super) fn at_fault(&self, at: &str, checks: &[Check]) -> bool {
        self.0
            .iter()
            .any(|finding| finding.at == at && checks.contains(&finding.check) && finding.verdict == Verdict::Fault)
    }

    /// For programs.
    pub(super) fn json(&self, url: &str) -> Value {
        let checks: Vec<Value> = self.0.iter().map(Finding::json).collect();
        json!({
            "url": url,
            "faults": self.count(Verdict::Fault),
            "warnings": self.count(Verdict::Warning),
            "checks": checks,
        })
    }

    #[cfg(test)]
    pub(super) fn findings(&self) -> &[Finding] {
        &self.0
    }
}

impl Finding {
    fn json(&self) -> Value {
        let Self { check, verdict, at, found, change } = self;
        let change = if change.is_empty() { Value::Null } else { change.as_str().into() };
        json!({
            "check": check.as_str(), "verdict": verdict.as_str(), "at": at, "found": found, "change": change,
        })
    }
}

impl fmt::Display for Report {
    /// For people: what is wrong has its remedy on the next line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut at = "";
        for finding in &self.0 {
            if finding.at != at {
                at = &finding.at;
                writeln!(f, "{}", visible(at))?;
            }
            writeln!(
                f,
                "  {:<8} {:<22} {}",
                finding.verdict.as_str(),
                finding.check.as_str(),
                visible(&finding.found)
            )?;
            if !finding.change.is_empty() {
                writeln!(f, "  {:<8} {:<22} change: {}", "", "", visible(&finding.change))?;
            }
        }
        Ok(())
    }
}
