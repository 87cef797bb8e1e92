//! The relations between the keys of one capability.

use std::sync::Arc;

use super::{
    Refusal,
    capability::{Files, Keys, Quota, RawCapability, RawFiles, RawHttp, RawKv, RawSecret, Redirects, Retries},
    check::once,
    reader::{At, Reader},
};
use crate::{
    Capability, FilesCapability, KvCapability,
    http::{HttpCapability, InvalidHttpCapability, InvalidSecret, SecretSlot},
};

/// The capability, unless something that it needs was refused already or is refused here.
pub(super) fn check(raw: RawCapability, reader: &mut Reader<'_>) -> Option<Capability> {
    match raw {
        RawCapability::Kv(raw) => kv(raw).map(Capability::Kv),
        RawCapability::Http(raw) => http(*raw, reader).map(|http| Capability::Http(Arc::new(http))),
        RawCapability::Files(raw) => files(raw).map(Capability::Files),
    }
}

fn kv(raw: RawKv) -> Option<KvCapability> {
    raw.kind?;
    Some(KvCapability {
        partition: raw.partition?.value,
        quota: raw.quota.map_or(Quota::BOUNDS.default, |quota| quota.value.0),
        keys: raw.keys.map_or(Keys::BOUNDS.default, |keys| keys.value.0),
    })
}

fn files(raw: RawFiles) -> Option<FilesCapability> {
    raw.kind?;
    Some(FilesCapability {
        partition: raw.partition?.value,
        quota: raw.quota.map_or(Quota::BOUNDS.default, |quota| quota.value.0),
        files: raw.files.map_or(Files::BOUNDS.default, |files| files.value.0),
    })
}

fn http(raw: RawHttp, reader: &mut Reader<'_>) -> Option<HttpCapability> {
    let secret = raw.secret.map(|At { spot, value }| (spot, secret(value, reader)));
    let allow = raw.allow.map(|allow| (allow.spot, once(allow.value.0, ToString::to_string, reader)));
    raw.kind?;
    let origin = raw.origin?;
    let (allow_spot, allow) = allow?;
    // Their bounds are those of the manifest, so that neither is cut.
    let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    let redirects = small(raw.redirects.map_or(Redirects::BOUNDS.default, |redirects| redirects.value.0));
    let retries = small(raw.retries.map_or(Retries::BOUNDS.default, |retries| retries.value.0));
    let secret_spot = secret.as_ref().map_or(&origin.spot, |(spot, _)| spot).clone();
    let secret = match secret {
        Some((_, secret)) => Some(secret?),
        None => None,
    };
    match HttpCapability::new(origin.value, allow, secret, redirects, retries) {
        Ok(http) => Some(http),
        Err(error) => {
            let spot = match &error {
                InvalidHttpCapability::SecretInTheClear(_) | InvalidHttpCapability::SecretOfMany(_) => &secret_spot,
                InvalidHttpCapability::Rules(_) | InvalidHttpCapability::Twice(_) => &allow_spot,
                InvalidHttpCapability::Redirects(_) | InvalidHttpCapability::Retries(_) => &origin.spot,
            };
            reader.refuse(spot, error.into());
            None
        }
    }
}

fn secret(raw: RawSecret, reader: &mut Reader<'_>) -> Option<SecretSlot> {
    let (name, header, value) = (raw.name?, raw.header?, raw.value?);
    match SecretSlot::new(name.value.as_str(), &header.value.0, &value.value.0) {
        Ok(slot) => Some(slot),
        Err(error) => {
            let spot = match &error {
                InvalidSecret::Name(_) => &name.spot,
                InvalidSecret::Header(_) => &header.spot,
                InvalidSecret::Placeholder(_) | InvalidSecret::Character(_) | InvalidSecret::TooLong(_) => &value.spot,
            };
            reader.refuse(spot, Refusal::Secret(error));
            None
        }
    }
}
