//! Names for principals that mean nothing without this host's key (catalogue AD-02).

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis_manifest::PrincipalKey;
use sha2::Sha256;

/// Makes keyed pseudonyms. The same principal has another one for each purpose, so that two plugins that compare notes
/// can't tell that they know the same person.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl Pseudonyms {
    /// From a secret of this host.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The name of `principal` for `purpose`: 128 bits as 32 hexadecimal digits.
    #[must_use]
    pub fn of(&self, purpose: &str, principal: &PrincipalKey) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        // The length keeps (purpose, principal) pairs apart that would read the same when joined.
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(principal.to_string().as_bytes());
        digits(mac)
    }

    /// The name of a place that requests come from. No principal has one that begins like it.
    #[must_use]
    pub fn of_source(&self, source: IpAddr) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        // No purpose is as long as that.
        mac.update(&u64::MAX.to_be_bytes());
        mac.update(source.to_string().as_bytes());
        format!("source:{}", digits(mac))
    }
}

fn digits(mac: Hmac<Sha256>) -> String {
    mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ad_02_a_pseudonym_is_stable_and_differs_by_key_purpose_and_principal() {
        let names = Pseudonyms::new([1; 32]);
        let local = PrincipalKey::Local;
        let ann = PrincipalKey::Subject { issuer: "i".into(), subject: "ann".into() };
        assert_eq!(names.of("audit", &ann), Pseudonyms::new([1; 32]).of("audit", &ann));
        let all = [
            names.of("audit", &ann),
            names.of("audit", &local),
            names.of("plugin notes", &ann),
            Pseudonyms::new([2; 32]).of("audit", &ann),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|name| name.len() == 32 && !name.contains("ann")));
    }

    #[test]
    fn ad_02_a_place_has_a_name_too_that_says_nothing_of_where_it_is() {
        let (names, place) = (Pseudonyms::new([1; 32]), "192.0.2.7".parse().unwrap());
        let name = names.of_source(place);
        assert_eq!(name, names.of_source(place));
        assert_ne!(name, names.of_source("192.0.2.8".parse().unwrap()));
        assert_ne!(name, Pseudonyms::new([2; 32]).of_source(place));
        assert!(name.starts_with("source:") && !name.contains("192"), "{name}");
    }

    #[test]
    fn parts_that_read_the_same_when_joined_stay_apart() {
        let names = Pseudonyms::new([1; 32]);
        let subject =
            |issuer: &str, subject: &str| PrincipalKey::Subject { issuer: issuer.into(), subject: subject.into() };
        assert_ne!(names.of("p", &subject("a:1", "b")), names.of("p", &subject("a", "1:b")));
    }
}
