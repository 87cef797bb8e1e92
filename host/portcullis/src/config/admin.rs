//! `[admin]`: the listener on which people who sign in publish, approve, read the audit and shut out.

use std::{collections::BTreeMap, net::SocketAddr};

use portcullis_egress::Egress;
use portcullis_identity::{Authentication, AuthenticationConfig, Denials, Identity, RoleClaim};
use portcullis_manifest::Role;
use portcullis_mcp::{AllowedHosts, AllowedOrigins};
use serde::Deserialize;

use super::Config;
use crate::exit::Failure;

/// Longest audience, and longest name or value of a claim.
const LONGEST: usize = 2048;

/// `[admin]`. There is no such listener unless `listen` is set.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AdminSection {
    #[serde(deserialize_with = "super::address")]
    pub(crate) listen: Option<SocketAddr>,
    /// What the tokens of people who run the host name as their audience; never that of MCP.
    pub(crate) audience: Option<String>,
    /// Values of `Host` that are answered, beside the loopback names.
    pub(crate) allowed_hosts: Vec<String>,
    /// Values of `Origin` that are answered, beside this listener's own on loopback.
    pub(crate) allowed_origins: Vec<String>,
    /// Connections at once.
    pub(crate) connections: usize,
    /// Which claim gives which role.
    pub(crate) roles: BTreeMap<Role, RoleClaim>,
}

impl Default for AdminSection {
    fn default() -> Self {
        Self {
            listen: None,
            audience: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            connections: 32,
            roles: BTreeMap::new(),
        }
    }
}

impl AdminSection {
    pub(super) fn check(&self, config: &Config) -> Result<(), Failure> {
        let wrong = |text: String| Err(Failure::usage(format_args!("configuration: {text}")));
        if self.connections == 0 {
            return wrong("`admin.connections` is 0; it must be at least 1".to_owned());
        }
        for host in &self.allowed_hosts {
            AllowedHosts::check(host).map_err(|error| super::never("admin.allowed_hosts", &error))?;
        }
        for origin in &self.allowed_origins {
            AllowedOrigins::check(origin).map_err(|error| super::never("admin.allowed_origins", &error))?;
        }
        let Some(listen) = self.listen else {
            let idle = [("audience", self.audience.is_some()), ("roles", !self.roles.is_empty())];
            return match idle.into_iter().find(|(_, set)| *set) {
                Some((key, _)) => wrong(format!("`admin.{key}` has no effect without `admin.listen`")),
                None => Ok(()),
            };
        };
        // On loopback too (catalogue MC-02, AU-07): everybody on this machine would be one and the same person, with every
        // role, and another one than the user who publishes through the socket.
        if config.authentication.issuer.is_none() {
            return wrong(
                "`admin.listen` needs `authentication.issuer`: without sign-in nobody could tell a publisher from an approver. \
                 Without it, use the commands"
                    .to_owned(),
            );
        }
        let Some(audience) = &self.audience else {
            return wrong(
                "`admin.listen` needs `admin.audience`: what tokens for it name, another audience than that of MCP"
                    .to_owned(),
            );
        };
        if audience.is_empty() || audience.len() > LONGEST {
            return wrong(format!("`admin.audience` has {} characters; 1 to {LONGEST} can be one", audience.len()));
        }
        let public = config.public_url()?;
        let same = |other: &str| other.trim_end_matches('/') == audience.trim_end_matches('/');
        let section = &config.authentication;
        let shared = public.is_some_and(|url| same(url.as_str()))
            || section.audience.as_deref().is_some_and(same)
            || section.audiences.iter().any(|other| same(other));
        if shared {
            return wrong(
                "`admin.audience` is also accepted for MCP (`public_url`, `authentication.audience`, `authentication.audiences`): a token that a model's \
                 client holds would be one for the admin plane. Give it an audience of its own"
                    .to_owned(),
            );
        }
        if config.listen() == listen && listen.port() != 0 {
            return wrong(format!(
                "`admin.listen` and `listen` are both {listen}; the admin plane has a listener of its own"
            ));
        }
        if self.roles.is_empty() {
            return wrong(
                "`admin.roles` is empty, so that nobody could do anything: write, for example, \
                 `approver = { claim = \"groups\", any = [\"portcullis-approvers\"] }`"
                    .to_owned(),
            );
        }
        let fits = |text: &String| (1..=LONGEST).contains(&text.len());
        for (role, RoleClaim { claim, any }) in &self.roles {
            if !fits(claim) || any.is_empty() || !any.iter().all(fits) {
                let role = role.as_str();
                return wrong(format!("`admin.roles.{role}` names no claim, or no value of it that gives the role"));
            }
        }
        Ok(())
    }
}

impl Config {
    /// Who is asking on the admin plane; nothing where there is none. Asks nobody.
    pub(crate) fn admin_identity(&self, egress: &Egress, denials: Denials) -> Result<Option<Identity>, Failure> {
        let section = &self.admin;
        let (Some(listen), Some(audience)) = (section.listen, &section.audience) else { return Ok(None) };
        let authentication = self.verifier(egress, denials, |config: AuthenticationConfig| AuthenticationConfig {
            resource: audience.clone(),
            // A token for both planes is good on neither.
            audiences: std::collections::BTreeSet::new(),
            without_sign_in: false,
            roles: section.roles.clone(),
            ..config
        })?;
        let authentication: Option<Authentication> = authentication;
        // Without one, loopback would be the local principal, who holds every role.
        let authentication =
            authentication.ok_or_else(|| Failure::usage("`admin.listen` needs `authentication.issuer`"))?;
        Identity::for_listener(listen.ip(), Some(authentication)).map(Some).map_err(Failure::usage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "public_url = \"https://tools.example.com/mcp\"\n[authentication]\nissuer = \"https://login.example.com\"\n\
                         audiences = [\"https://other.example.com\"]\n[admin]\nlisten = \"127.0.0.1:8081\"\n\
                         audience = \"https://tools.example.com/admin\"\n\
                         roles.approver = { claim = \"groups\", any = [\"portcullis-approvers\"] }\n";

    fn checked(text: &str) -> Result<Config, String> {
        let config: Config = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|failure| format!("{failure:?}"))
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = checked(text).unwrap_err();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn a_whole_section_is_taken_and_an_absent_one_is_no_listener() {
        let config = checked(WHOLE).unwrap();
        let [(role, RoleClaim { claim, any })] = &config.admin.roles.into_iter().collect::<Vec<_>>()[..] else {
            panic!()
        };
        assert_eq!((*role, claim.as_str(), any[0].as_str()), (Role::Approver, "groups", "portcullis-approvers"));
        assert_eq!(checked("").unwrap().admin.listen, None);
    }

    #[test]
    fn mc_02_the_admin_plane_does_not_start_without_authentication_on_any_address() {
        for address in ["127.0.0.1:8081", "[::1]:8081", "0.0.0.0:8081", "10.0.0.1:8081"] {
            let text = format!("[admin]\nlisten = \"{address}\"\naudience = \"a\"\n");
            refused(&text, "`admin.listen` needs `authentication.issuer`");
        }
    }

    #[test]
    fn au_07_its_audience_is_never_that_of_mcp() {
        let with = |audience: &str| WHOLE.replace("https://tools.example.com/admin", audience);
        for audience in ["https://tools.example.com/mcp", "https://tools.example.com/mcp/", "https://other.example.com"]
        {
            refused(&with(audience), "is also accepted for MCP");
        }
        let own = WHOLE.replace("[authentication]", "[authentication]\naudience = \"https://tools.example.com/admin\"");
        refused(&own, "is also accepted for MCP");
        refused(&with(""), "`admin.audience` has 0 characters");
        refused(&WHOLE.replace("audience = \"https://tools.example.com/admin\"\n", ""), "needs `admin.audience`");
    }

    #[test]
    fn what_would_do_nothing_is_refused() {
        refused("[admin]\naudience = \"a\"", "`admin.audience` has no effect without `admin.listen`");
        refused("[admin]\nroles.auditor = { claim = \"a\", any = [\"b\"] }", "`admin.roles` has no effect");
        refused(&WHOLE.replace("roles.approver", "#"), "`admin.roles` is empty");
        refused(&WHOLE.replace("\"portcullis-approvers\"", ""), "`admin.roles.approver` names no claim, or no value");
        refused(&WHOLE.replace("roles.approver", "roles.boss"), "unknown variant `boss`");
        refused(&WHOLE.replace("any =", "all ="), "unknown field `all`");
        refused(&WHOLE.replace("[admin]", "[admin]\nconnections = 0"), "`admin.connections` is 0");
        refused(&WHOLE.replace("[admin]", "[admin]\nallowed_hosts = [\"http://a\"]"), "write `a`");
        refused(&WHOLE.replace("8081", "8080"), "a listener of its own");
    }
}
