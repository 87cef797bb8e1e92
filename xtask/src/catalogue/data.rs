//! `tests/catalogue.toml`, and what it asks of the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;

use super::found::Test;
use crate::task::Failure;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    /// Sections, of which what is of severity 0 needs a test; and ids, which need one whatever their severity.
    required: Vec<String>,
    /// Why an id needs none.
    pub(super) excused: BTreeMap<String, String>,
    #[serde(rename = "section")]
    pub(super) sections: Vec<Section>,
}

/// Ids of one severity that belong together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) severity: u8,
    /// What must hold, by id.
    pub(super) requirements: BTreeMap<String, String>,
}

impl Catalogue {
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let catalogue: Self = toml::from_str(text).map_err(|error| Failure::of(format!("{}: {error}", super::DATA)))?;
        let wrong = catalogue.contradictions();
        if wrong.is_empty() {
            Ok(catalogue)
        } else {
            Err(Failure::of(format!("{}: {}", super::DATA, wrong.join("; "))))
        }
    }

    /// What the file says that can't be true, whatever the tests are.
    fn contradictions(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for section in &self.sections {
            if !names.insert(&section.name) {
                wrong.push(format!("the section `{}` is there twice", section.name));
            }
            if section.severity > 3 {
                wrong.push(format!("the section `{}` has a severity above 3", section.name));
            }
            for id in section.requirements.keys() {
                if !is_id(id) {
                    wrong.push(format!("`{id}` is no id: write two capital letters and two digits, like WX-01"));
                }
                if !ids.insert(id) {
                    wrong.push(format!("{id} is there twice"));
                }
            }
        }
        for name in self.required.iter().filter(|name| !names.contains(name) && !ids.contains(name)) {
            wrong.push(format!("`{name}` is required and is neither a section nor an id"));
        }
        for (id, why) in &self.excused {
            if !ids.contains(id) {
                wrong.push(format!("{id} is excused and is not in the catalogue"));
            }
            if why.trim().is_empty() {
                wrong.push(format!("{id} is excused without a reason"));
            }
        }
        wrong
    }

    /// The letters that ids begin with, as names of tests write them.
    pub(super) fn kinds(&self) -> BTreeSet<String> {
        let ids = self.sections.iter().flat_map(|section| section.requirements.keys());
        ids.filter_map(|id| id.split('-').next()).map(str::to_lowercase).collect()
    }

    /// Everything that must not be so.
    pub(super) fn wrong(&self, tests: &[Test]) -> Vec<String> {
        let covered = covered(tests);
        let known = |id: &str| self.sections.iter().any(|section| section.requirements.contains_key(id));
        let mut wrong: Vec<String> = Vec::new();
        for test in tests {
            for id in test.ids.iter().filter(|id| !known(id)) {
                wrong.push(format!("{test} names {id}, which {} does not have", super::DATA));
            }
        }
        for id in self.excused.keys().filter(|id| covered.contains_key(id.as_str())) {
            wrong.push(format!("{id} is excused in {} and has a test: take the excuse out", super::DATA));
        }
        for (id, what) in self.asked_for() {
            if !covered.contains_key(id) && !self.excused.contains_key(id) {
                wrong.push(format!("no test names {id} in front, and it is required: {what}"));
            }
            if covered.get(id).is_some_and(|tests| !tests.iter().any(|test| test.names_check)) {
                wrong.push(format!(
                    "no test of {id} says in its comment what it fails without (`Fails without ...`): {what}"
                ));
            }
        }
        wrong
    }

    /// Ids that `required` names, and those of severity 0 whose section it names.
    fn asked_for(&self) -> impl Iterator<Item = (&str, &str)> {
        self.sections.iter().flat_map(move |section| {
            let whole = section.severity == 0 && self.required.contains(&section.name);
            let asked = section.requirements.iter().filter(move |(id, _)| whole || self.required.contains(id));
            asked.map(|(id, what)| (id.as_str(), what.as_str()))
        })
    }

    /// For people: each section, first what has tests, then what has not.
    pub(super) fn report(&self, tests: &[Test]) -> String {
        let covered = covered(tests);
        let mut text = String::new();
        let (mut all, mut all_covered) = (0, 0);
        let mut line = |line: String| writeln!(text, "{line}").expect("a string takes all");
        for Section { name, severity, requirements } in &self.sections {
            let has = |id: &String| covered.contains_key(id.as_str());
            let count = requirements.keys().filter(|id| has(id)).count();
            all += requirements.len();
            all_covered += count;
            line(format!("{name} (S{severity}): {count} of {} have tests", requirements.len()));
            for (id, what) in requirements.iter().filter(|(id, _)| has(id)) {
                line(format!("  {id}  {what}"));
                covered[id.as_str()].iter().for_each(|test| line(format!("           {test}")));
            }
            for (id, what) in requirements.iter().filter(|(id, _)| !has(id)) {
                let state = match self.excused.get(id) {
                    Some(why) => format!("excused, S{severity}: {why}"),
                    None => format!("no test, S{severity}"),
                };
                line(format!("  {id}  {what}\n           {state}"));
            }
            line(String::new());
        }
        line(format!("{all_covered} of {all} ids have tests, {} are excused", self.excused.len()));
        text
    }
}

/// The tests of each id.
pub(super) fn covered(tests: &[Test]) -> BTreeMap<&str, Vec<&Test>> {
    let mut covered: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
    for test in tests {
        test.ids.iter().for_each(|id| covered.entry(id).or_default().push(test));
    }
    covered
}

fn is_id(id: &str) -> bool {
    matches!(id.as_bytes(), [a, b, b'-', c, d] if [a, b].iter().all(|l| l.is_ascii_uppercase())
        && [c, d].iter().all(|n| n.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
        required = ["Walls", "ST-01"]
        [excused]
        WX-02 = "there is no door"
        [[section]]
        name = "Walls"
        severity = 0
        requirements = { WX-01 = "they stand", WX-02 = "the door is locked" }
        [[section]]
        name = "Stores"
        severity = 0
        requirements = { ST-01 = "nothing is lost", ST-02 = "nothing is found" }
        [[section]]
        name = "Paint"
        severity = 2
        requirements = { WX-40 = "it is dry" }
    "#;

    fn test_of(ids: &[&str]) -> Test {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        Test { path: "a.rs".to_owned(), line: 7, name: "a_test".to_owned(), ids, names_check: true }
    }

    #[test]
    fn what_is_required_and_has_neither_a_test_nor_an_excuse_is_named() {
        let catalogue = Catalogue::parse(TWO).unwrap();
        let all = [test_of(&["WX-01", "ST-01"])];
        assert_eq!(catalogue.wrong(&all), Vec::<String>::new());
        let silent = Test { names_check: false, ..test_of(&["WX-01", "ST-01"]) };
        assert_eq!(catalogue.wrong(std::slice::from_ref(&silent)).len(), 2);
        let one_of_two = [silent, test_of(&["WX-01", "ST-01"])];
        assert_eq!(catalogue.wrong(&one_of_two), Vec::<String>::new());
        let [one] = &catalogue.wrong(&[test_of(&["ST-01"])])[..] else { panic!("one id lacks a test") };
        assert!(one.contains("WX-01") && one.contains("they stand"), "{one}");
        assert_eq!(catalogue.wrong(&[]).len(), 2, "ST-02 is not asked for, WX-02 is excused");
    }

    #[test]
    fn an_id_that_is_required_by_itself_needs_a_test_whatever_its_severity() {
        let catalogue = Catalogue::parse(&TWO.replace("\"ST-01\"]", "\"ST-01\", \"WX-40\"]")).unwrap();
        let [one] = &catalogue.wrong(&[test_of(&["WX-01", "ST-01"])])[..] else { panic!("WX-40 lacks a test") };
        assert!(one.contains("WX-40"), "{one}");
    }

    #[test]
    fn an_unknown_id_and_an_excuse_for_what_has_a_test_are_named() {
        let catalogue = Catalogue::parse(TWO).unwrap();
        let wrong = catalogue.wrong(&[test_of(&["WX-01", "ST-01", "WX-77"])]);
        assert_eq!(wrong, ["a.rs:7 a_test names WX-77, which tests/catalogue.toml does not have"]);
        let wrong = catalogue.wrong(&[test_of(&["WX-01", "WX-02", "ST-01"])]);
        assert!(wrong.len() == 1 && wrong[0].contains("take the excuse out"), "{wrong:?}");
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        let without = "required = [\"Doors\"]\n[excused]\nWX-90 = \"\"\n[[section]]\nname = \"Walls\"\nseverity = 4\n\
                       requirements = { wx-01 = \"they stand\" }\n";
        let said = Catalogue::parse(without).unwrap_err().to_string();
        for part in ["`Doors`", "WX-90 is excused and is not", "without a reason", "above 3", "`wx-01` is no id"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let twice = TWO.replace("WX-40", "WX-01");
        assert!(Catalogue::parse(&twice).unwrap_err().to_string().contains("WX-01 is there twice"));
    }

    #[test]
    fn the_report_has_every_id_with_its_tests_or_its_excuse() {
        let report = Catalogue::parse(TWO).unwrap().report(&[test_of(&["WX-01"])]);
        for part in [
            "Walls (S0): 1 of 2",
            "WX-01  they stand\n           a.rs:7 a_test",
            "excused, S0: there is no door",
            "nothing is lost\n           no test, S0",
            "it is dry\n           no test, S2",
            "1 of 5 ids have tests, 1 are",
        ] {
            assert!(report.contains(part), "{part}: {report}");
        }
    }
}
