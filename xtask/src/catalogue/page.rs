//! The tables in docs/security.md: what is excused, and the tests of each id. They stand between two lines each, which say who
//! writes them.

use std::collections::BTreeMap;

use super::data::{Catalogue, covered};
use super::found::Test;
use crate::task::Failure;

const BEGIN: [&str; 2] = ["<!-- excused: written by `cargo xtask catalogue --write` -->", "<!-- tests: the same -->"];
const END: [&str; 2] = ["<!-- end of excused -->", "<!-- end of tests -->"];

/// `page` with the tables that are true now.
pub(super) fn with_tables(page: &str, catalogue: &Catalogue, tests: &[Test]) -> Result<String, Failure> {
    let mut page = page.to_owned();
    for ((begin, end), table) in BEGIN.iter().zip(END).zip([excused(catalogue), by_id(catalogue, tests)]) {
        let place = page.find(begin).map(|at| at + begin.len()).zip(page.find(end)).filter(|(begin, end)| begin <= end);
        let Some((from, to)) = place else {
            return Err(Failure::of(format!("{} lacks the line {begin} and after it {end}", super::PAGE)));
        };
        page.replace_range(from..to, &format!("\n{table}"));
    }
    Ok(page)
}

fn excused(catalogue: &Catalogue) -> String {
    let mut table = "| id | what must hold | excused because |\n|---|---|---|\n".to_owned();
    for (id, what) in catalogue.sections.iter().flat_map(|section| &section.requirements) {
        if let Some(why) = catalogue.excused.get(id) {
            table.push_str(&format!("| {id} | {what} | {why} |\n"));
        }
    }
    table
}

fn by_id(catalogue: &Catalogue, tests: &[Test]) -> String {
    let covered = covered(tests);
    let mut table = "| id | tests |\n|---|---|\n".to_owned();
    for id in catalogue.sections.iter().flat_map(|section| section.requirements.keys()) {
        let Some(tests) = covered.get(id.as_str()) else { continue };
        let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        tests.iter().for_each(|test| files.entry(&test.path).or_default().push(format!("`{}`", test.name)));
        let files: Vec<String> = files.iter().map(|(path, names)| format!("`{path}`: {}", names.join(", "))).collect();
        table.push_str(&format!("| {id} | {} |\n", files.join("<br>")));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_replaced_and_what_stands_around_them_is_not() {
        let text = "required = []\nexcused = { WX-02 = \"no door\" }\n[[section]]\nname = \"Walls\"\nseverity = 0\n\
                    requirements = { WX-01 = \"they stand\", WX-02 = \"it is locked\" }\n";
        let catalogue = Catalogue::parse(text).unwrap();
        let test = |path: &str, name: &str| Test {
            path: path.to_owned(),
            line: 1,
            names_check: false,
            name: name.to_owned(),
            ids: vec!["WX-01".to_owned()],
        };
        let tests = [test("b.rs", "wx_01_b"), test("a.rs", "wx_01_a"), test("b.rs", "wx_01_c")];
        let [one, two] = BEGIN;
        let page = format!("before\n{one}\nstale\n{}\nbetween\n{two}\n{}\nafter\n", END[0], END[1]);
        let now = with_tables(&page, &catalogue, &tests).unwrap();
        assert!(now.starts_with("before\n") && now.ends_with("\nafter\n") && now.contains("\nbetween\n"), "{now}");
        assert!(!now.contains("stale") && now.contains("| WX-02 | it is locked | no door |\n"), "{now}");
        assert!(now.contains("| WX-01 | `a.rs`: `wx_01_a`<br>`b.rs`: `wx_01_b`, `wx_01_c` |\n"), "{now}");
        assert_eq!(with_tables(&now, &catalogue, &tests).unwrap(), now, "writing it again changes nothing");
        let said = with_tables("nothing", &catalogue, &tests).unwrap_err().to_string();
        assert!(said.contains("lacks the line"), "{said}");
    }
}
