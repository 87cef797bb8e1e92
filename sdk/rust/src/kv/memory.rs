//! A stand-in for the host's rows, for tests of a plugin's logic.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{cell::RefCell, ops::Bound};

use super::{Error, KeyValue, LONGEST_PAGE, Page};

/// Rows in memory, which behave as the host's do. Without quota and grants: those belong to a manifest.
#[derive(Debug, Default)]
pub struct Memory {
    rows: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Memory {
    /// No rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

fn check(key: &str) -> Result<(), Error> {
    if key.is_empty() || key.len() > 512 || key.chars().any(char::is_control) {
        return Err(Error::BadKey("A key has 1 to 512 bytes and no control character".into()));
    }
    Ok(())
}

impl KeyValue for Memory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        check(key)?;
        Ok(self.rows.borrow().get(key).cloned())
    }

    fn list_keys(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let limit = limit.clamp(1, LONGEST_PAGE) as usize;
        let rows = self.rows.borrow();
        let start = match cursor {
            Some(last) if last >= prefix => Bound::Excluded(last),
            _ => Bound::Included(prefix),
        };
        let mut keys = rows.range::<str, _>((start, Bound::Unbounded)).map(|(key, _)| key);
        let page: Vec<String> = keys.by_ref().take_while(|key| key.starts_with(prefix)).take(limit).cloned().collect();
        let more = page.len() == limit && keys.next().is_some_and(|key| key.starts_with(prefix));
        let next = if more { page.last().cloned() } else { None };
        Ok(Page { keys: page, next })
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        check(key)?;
        self.rows.borrow_mut().insert(key.to_string(), value.to_vec());
        Ok(())
    }

    /// Nothing expires here: no test lasts for so long.
    fn set_expiring(&self, key: &str, value: &[u8], _seconds: u32) -> Result<(), Error> {
        self.set(key, value)
    }

    fn delete(&self, key: &str) -> Result<bool, Error> {
        check(key)?;
        Ok(self.rows.borrow_mut().remove(key).is_some())
    }

    fn compare_and_set(&self, key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, Error> {
        if self.get(key)?.as_deref() != expected {
            return Ok(false);
        }
        match value {
            Some(value) => self.set(key, value)?,
            None => drop(self.delete(key)?),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    fn rows(count: usize) -> Memory {
        let rows = Memory::new();
        for n in 0..count {
            rows.set(&format!("n/{n:04}"), b"x").expect("the key is good");
        }
        rows.set("m", b"x").expect("the key is good");
        rows.set("o", b"x").expect("the key is good");
        rows
    }

    #[test]
    fn keys_come_in_byte_order_and_only_those_with_the_prefix() {
        let all: Vec<_> = rows(3).keys("n/").collect::<Result<_, _>>().expect("no error");
        assert_eq!(all, ["n/0000", "n/0001", "n/0002"]);
    }

    #[test]
    fn every_key_is_found_once_over_page_borders() {
        for count in [0, 1, 999, 1000, 1001, 2000, 2001] {
            let all: Vec<_> = rows(count).keys("n/").collect::<Result<_, _>>().expect("no error");
            assert_eq!(all.len(), count);
            assert!(all.is_sorted());
        }
    }

    #[test]
    fn only_the_last_page_has_no_cursor() {
        let rows = rows(3);
        let first = rows.list_keys("n/", None, 2).expect("no error");
        assert_eq!((first.keys.len(), first.next.as_deref()), (2, Some("n/0001")));
        let last = rows.list_keys("n/", first.next.as_deref(), 2).expect("no error");
        assert_eq!((last.keys.len(), last.next), (1, None));
    }

    #[test]
    fn compare_and_set_changes_only_what_it_expected() {
        let rows = Memory::new();
        assert!(rows.compare_and_set("k", None, Some(b"1")).expect("good key"));
        assert!(!rows.compare_and_set("k", None, Some(b"2")).expect("good key"));
        assert!(rows.compare_and_set("k", Some(b"1"), None).expect("good key"));
        assert_eq!(rows.get("k").expect("good key"), None);
    }

    #[test]
    fn what_expires_is_there_until_then() {
        let rows = Memory::new();
        rows.set_json_expiring("k", &1, 60).expect("good key");
        assert_eq!(rows.get_json("k"), Ok(Some(1)));
    }

    #[test]
    fn a_bad_key_is_refused() {
        for key in ["", "a\n", &"k".repeat(513)] {
            assert!(matches!(Memory::new().get(key), Err(Error::BadKey(_))), "{key:?}");
        }
    }

    #[test]
    fn json_that_is_of_another_type_names_its_key() {
        let rows = Memory::new();
        rows.set_json("k", &"text").expect("good key");
        let error = rows.get_json::<u32>("k").expect_err("text is no number");
        assert!(error.to_string().contains("`k`"), "{error}");
    }
}
