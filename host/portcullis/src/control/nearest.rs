//! What a command says of a name that is not served. Commands are the local principal, who sees everything that is: nothing is
//! told to anybody who might not.

use portcullis_backend::{Backend as _, List, ListKind};
use portcullis_calls::Host;
use portcullis_manifest::{Principal, visible};

/// Longest name that is compared.
const LONGEST: usize = 128;

/// Why there is no tool `wanted`, and what may have been meant.
pub(super) fn unknown_tool(host: &Host, wanted: &str) -> String {
    let list = |kind| host.list(kind, &Principal::local());
    let (tools, prompts) = (list(ListKind::Tools), list(ListKind::Prompts));
    words(wanted, &names(&tools), &names(&prompts))
}

fn names(list: &List) -> Vec<&str> {
    list.items.iter().map(|item| &*item.key).collect()
}

fn words(wanted: &str, tools: &[&str], prompts: &[&str]) -> String {
    let shown: String = visible(wanted).chars().take(LONGEST).collect();
    if prompts.contains(&wanted) {
        return format!("`{shown}` is a prompt, and `call` calls tools: clients get it by prompts/get");
    }
    let meant = nearest(wanted, tools).map_or_else(String::new, |name| format!(" Did you mean `{name}`?"));
    format!("unknown tool `{shown}`.{meant} `portcullis tools` lists what is served")
}

/// The name that is at most a third away from what was written.
fn nearest<'n>(wanted: &str, names: &[&'n str]) -> Option<&'n str> {
    let wanted: Vec<char> = wanted.chars().take(LONGEST).collect();
    let far = names.iter().map(|name| (distance(&wanted, &name.chars().collect::<Vec<_>>()), *name));
    far.filter(|(far, name)| *far <= name.len() / 3).min().map(|(_, name)| name)
}

/// How many characters are put in, left out or changed between the two (Levenshtein).
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let changed = before[column] + usize::from(a != b);
            line.push(changed.min(before[column + 1] + 1).min(line[column] + 1));
        }
        before = line;
    }
    before.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_is_told_the_right_one() {
        let said = |wanted| words(wanted, &["shelf_borrow", "shelf_list", "x"], &["shelf_letter"]);
        for wanted in ["shelf_borow", "shelf_borrwo", "Shelf_borrow", "borrow_shelf_borrow"] {
            let meant = wanted != "borrow_shelf_borrow";
            assert_eq!(said(wanted).contains(" Did you mean `shelf_borrow`?"), meant, "{}", said(wanted));
            assert!(said(wanted).ends_with("`portcullis tools` lists what is served"));
        }
        assert_eq!(said("y"), "unknown tool `y`. `portcullis tools` lists what is served");
        assert_eq!(
            said("shelf_letter"),
            "`shelf_letter` is a prompt, and `call` calls tools: clients get it by prompts/get"
        );
        assert!(said("a\u{1b}").contains("`a\\u{1b}`"));
    }
}
