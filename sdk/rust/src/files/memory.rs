//! A stand-in for the host's folder, for tests of a plugin's logic.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::{cell::RefCell, ops::Bound};

use super::{Entry, Error, Folder, LONGEST_PAGE, Page};

/// Files in memory, which behave as the host's do. Without quota and grants: those belong to a manifest.
#[derive(Debug, Default)]
pub struct Memory {
    files: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl Memory {
    /// No files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

fn check(name: &str) -> Result<(), Error> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    let ends = name.starts_with(['.', ' ']) || name.ends_with(' ');
    if name.is_empty() || name.len() > 128 || ends || !name.chars().all(good) {
        let text =
            "A name has 1 to 128 letters, digits, `.`, `_`, `-` and spaces inside, and does not begin with a dot";
        return Err(Error::BadName(text.into()));
    }
    Ok(())
}

impl Folder for Memory {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        check(name)?;
        Ok(self.files.borrow().get(name).cloned())
    }

    fn list_files(&self, prefix: &str, cursor: Option<&str>, limit: u32) -> Result<Page, Error> {
        let limit = limit.clamp(1, LONGEST_PAGE) as usize;
        let files = self.files.borrow();
        let start = match cursor {
            Some(last) if last >= prefix => Bound::Excluded(last),
            _ => Bound::Included(prefix),
        };
        let found = files.range::<str, _>((start, Bound::Unbounded));
        let mut found = found.take_while(|(name, _)| name.starts_with(prefix));
        let entry = |(name, data): (&String, &Vec<u8>)| Entry { name: name.clone(), size: data.len() as u64 };
        let entries: Vec<Entry> = found.by_ref().take(limit).map(entry).collect();
        let next = found.next().and_then(|_| entries.last().map(|last| last.name.clone()));
        Ok(Page { entries, next })
    }

    fn write(&self, name: &str, data: &[u8]) -> Result<(), Error> {
        check(name)?;
        self.files.borrow_mut().insert(name.to_string(), data.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<bool, Error> {
        check(name)?;
        Ok(self.files.borrow_mut().remove(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_file_comes_back_as_it_was_put_and_is_gone_when_removed() {
        let folder = Memory::new();
        folder.write("a.txt", "é".as_bytes()).expect("a good name");
        assert_eq!(folder.read_text("a.txt"), Ok(Some("é".into())));
        folder.write_json("a.txt", &[1, 2]).expect("a good name");
        assert_eq!(folder.read_json("a.txt"), Ok(Some([1, 2])));
        assert_eq!(folder.remove("a.txt"), Ok(true));
        assert_eq!(folder.remove("a.txt"), Ok(false));
        assert_eq!(folder.read("a.txt"), Ok(None));
    }

    #[test]
    fn every_file_is_found_once_over_page_borders() {
        for count in [0, 1, 999, 1000, 1001, 2000, 2001] {
            let folder = Memory::new();
            folder.write("m", b"").expect("a good name");
            folder.write("o", b"").expect("a good name");
            for n in 0..count {
                folder.write(&format!("n{n:04}"), b"12").expect("a good name");
            }
            let all: Vec<Entry> = folder.entries("n").collect::<Result<_, _>>().expect("no error");
            assert_eq!(all.len(), count);
            assert!(all.is_sorted_by(|a, b| a.name < b.name) && all.iter().all(|entry| entry.size == 2));
        }
    }

    #[test]
    fn only_the_last_page_has_no_cursor() {
        let folder = Memory::new();
        ["a", "b", "c"].iter().for_each(|name| folder.write(name, b"").expect("a good name"));
        let first = folder.list_files("", None, 2).expect("no error");
        assert_eq!((first.entries.len(), first.next.as_deref()), (2, Some("b")));
        let last = folder.list_files("", first.next.as_deref(), 2).expect("no error");
        assert_eq!((last.entries.len(), last.next), (1, None));
    }

    #[test]
    fn a_bad_name_is_refused() {
        for name in ["", ".a", "a/b", "..", " a", "a ", "é", "a\n", &"n".repeat(129)] {
            assert!(matches!(Memory::new().read(name), Err(Error::BadName(_))), "{name:?}");
        }
    }

    #[test]
    fn what_can_not_be_read_names_its_file() {
        let folder = Memory::new();
        folder.write("k", b"\xff").expect("a good name");
        for error in [folder.read_text("k").expect_err("no text"), folder.read_json::<u8>("k").expect_err("no JSON")] {
            assert!(error.to_string().contains("`k`"), "{error}");
        }
    }
}
