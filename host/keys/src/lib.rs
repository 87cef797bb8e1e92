//! Values that leave the host and come back: sealed so that nobody can read or change them meanwhile, and bound to what they
//! were made for. A seal proves that this host made the value for this purpose, and that its time is not over. It must never
//! be taken for proof of who presents it: what a value binds is compared by whoever opened it (catalogue MC-14, WR-05).

use std::{marker::PhantomData, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Bytes of a nonce: long enough to be drawn at random for ever.
const NONCE: usize = 24;

/// Bytes of the authentication tag.
const TAG: usize = 16;

/// Longest sealed text that is looked at, where nothing else is said: nothing that leaves the host and comes back comes near it.
const LONGEST: usize = 512 << 10;

/// Names the form and the key in the first byte of a sealed value, so that both can change while old values live.
const FORM: u8 = 1;

/// What a kind of sealed value is for. Two purposes share no key, so one's values never open as the other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Purpose(pub &'static str);

/// Seals and opens values of one type for one purpose. XChaCha20-Poly1305.
#[derive(Clone)]
pub struct Sealer<T> {
    cipher: XChaCha20Poly1305,
    purpose: Purpose,
    life: Duration,
    longest: usize,
    of: PhantomData<fn(T) -> T>,
}

/// The value was not sealed by this host for this purpose, or its time is over. It doesn't say which of them: who tampers
/// learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was not made by this host for this use, it was changed, or its time is over")]
pub struct NotOpened;

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    /// Milliseconds since 1970.
    until: i64,
    value: T,
}

impl<T: Serialize + DeserializeOwned> Sealer<T> {
    /// A sealer with a key of its own, derived from the host's for this purpose. What it seals opens for `life`.
    #[must_use]
    pub fn new(key: [u8; 32], purpose: Purpose, life: Duration) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&key.into()), purpose, life, longest: LONGEST, of: PhantomData }
    }

    /// The same, that looks at sealed texts of up to so many bytes.
    #[must_use]
    pub fn up_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    /// How long a value opens.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.life
    }

    /// Seals `value` at the time `now`, in milliseconds since 1970. Gives text of letters, digits, `-` and `_`.
    ///
    /// # Panics
    /// When the value has no JSON form; the types that are sealed all have one.
    #[must_use]
    pub fn seal(&self, value: &T, now: i64) -> String {
        let life = i64::try_from(self.life.as_millis()).unwrap_or(i64::MAX);
        let sealed = Sealed { until: now.saturating_add(life), value };
        let text = serde_json::to_vec(&sealed).expect("what is sealed has a JSON form");
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: &text, aad: self.purpose.0.as_bytes() };
        let hidden = self.cipher.encrypt(&XNonce::from(nonce), payload).expect("a value in memory is short enough");
        let mut whole = Vec::with_capacity(1 + NONCE + hidden.len());
        whole.push(FORM);
        whole.extend_from_slice(&nonce);
        whole.extend_from_slice(&hidden);
        URL_SAFE_NO_PAD.encode(whole)
    }

    /// Opens what [`Sealer::seal`] gave, at the time `now`.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub fn open(&self, sealed: &str, now: i64) -> Result<T, NotOpened> {
        if sealed.len() > self.longest {
            return Err(NotOpened);
        }
        let whole = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotOpened)?;
        if whole.len() < 1 + NONCE + TAG || whole[0] != FORM {
            return Err(NotOpened);
        }
        let (nonce, hidden) = whole[1..].split_at(NONCE);
        let nonce = XNonce::try_from(nonce).map_err(|_| NotOpened)?;
        let payload = Payload { msg: hidden, aad: self.purpose.0.as_bytes() };
        let text = self.cipher.decrypt(&nonce, payload).map_err(|_| NotOpened)?;
        let Sealed { until, value } = serde_json::from_slice(&text).map_err(|_| NotOpened)?;
        if now < until { Ok(value) } else { Err(NotOpened) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    fn sealer(key: u8, purpose: &'static str) -> Sealer<String> {
        Sealer::new([key; 32], Purpose(purpose), LIFE)
    }

    #[test]
    fn mc_14_a_value_opens_until_its_time_is_over() {
        let sealed = sealer(1, "a").seal(&"state".to_owned(), 1_000);
        assert_eq!(sealer(1, "a").open(&sealed, 60_999), Ok("state".to_owned()));
        assert_eq!(sealer(1, "a").open(&sealed, 61_000), Err(NotOpened));
    }

    #[test]
    fn mc_14_another_key_and_another_purpose_open_nothing() {
        let sealed = sealer(1, "a").seal(&"state".to_owned(), 0);
        assert_eq!(sealer(2, "a").open(&sealed, 0), Err(NotOpened));
        assert_eq!(sealer(1, "b").open(&sealed, 0), Err(NotOpened));
    }

    #[test]
    fn mc_14_a_value_is_not_readable_and_two_seals_of_it_differ() {
        let (one, other) = (sealer(1, "a").seal(&"state".to_owned(), 0), sealer(1, "a").seal(&"state".to_owned(), 0));
        assert_ne!(one, other);
        assert!(!URL_SAFE_NO_PAD.decode(&one).unwrap().windows(5).any(|part| part == b"state"));
    }

    /// Fails without the comparison of the length, or when it is another than was said.
    #[test]
    fn mc_14_a_text_is_looked_at_only_up_to_the_length_that_was_said() {
        let long = "x".repeat(LONGEST);
        let sealed = sealer(1, "a").seal(&long, 0);
        assert_eq!(sealer(1, "a").open(&sealed, 0), Err(NotOpened));
        assert_eq!(sealer(1, "a").up_to(sealed.len()).open(&sealed, 0), Ok(long));
        assert_eq!(sealer(1, "a").up_to(sealed.len() - 1).open(&sealed, 0), Err(NotOpened));
    }

    proptest! {
        #[test]
        fn mc_14_opening_gives_back_what_was_sealed_and_any_change_is_refused(
            value in ".*", at in 0..i64::from(u32::MAX), flip in any::<prop::sample::Index>(), bit in 0..8u8,
        ) {
            let sealer = sealer(7, "a");
            let sealed = sealer.seal(&value, at);
            prop_assert_eq!(sealer.open(&sealed, at), Ok(value));
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            let at_byte = flip.index(bytes.len());
            bytes[at_byte] ^= 1 << bit;
            prop_assert_eq!(sealer.open(&URL_SAFE_NO_PAD.encode(bytes), at), Err(NotOpened));
        }

        #[test]
        fn mc_14_no_text_is_opened_or_panics(text in ".{0,200}") {
            prop_assert_eq!(sealer(7, "a").open(&text, 0), Err(NotOpened));
        }
    }
}
