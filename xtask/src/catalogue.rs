//! `cargo xtask catalogue`: which ids of the security catalogue have tests, and which do not. The ids stand in
//! `tests/catalogue.toml`; a test names in front what it shows. A name says that the test exists, not that it passes, and not
//! that it is enough: what fails when a check is taken out stands in the test's own words.

mod data;
mod found;
mod page;

use std::fs;

use crate::place::Place;
use crate::task::{Failure, Task};

use data::Catalogue;
use found::Test;

/// Where the ids stand, and where people read which tests there are.
const DATA: &str = "tests/catalogue.toml";
const PAGE: &str = "docs/security.md";

/// Runs it.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let write = match arguments.collect::<Vec<_>>()[..] {
        [] => false,
        ["--write"] => true,
        _ => return Err(Failure::of("catalogue takes `--write` or nothing")),
    };
    let place = Place::find()?;
    let catalogue = Catalogue::parse(&fs::read_to_string(place.root.join(DATA))?)?;
    let tests = tests(&place, &catalogue)?;
    print!("{}", catalogue.report(&tests));
    let mut wrong = catalogue.wrong(&tests);
    let path = place.root.join(PAGE);
    let now = fs::read_to_string(&path)?;
    let page = page::with_tables(&now, &catalogue, &tests)?;
    match (page == now, write) {
        (true, _) => {}
        (false, true) => fs::write(path, page)?,
        (false, false) => {
            wrong.push(format!("{PAGE} does not say the same: `cargo xtask catalogue --write` writes it"))
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Failure::of(wrong.join("\n"))) }
}

/// Every test of the repository whose name begins with ids.
fn tests(place: &Place, catalogue: &Catalogue) -> Result<Vec<Test>, Failure> {
    let listed = Task::new("git", &place.root).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let mut tests = Vec::new();
    let mut paths: Vec<String> = listed.stdout()?.split('\0').map(str::to_owned).collect();
    paths.sort();
    // One that is being merged is listed more than once, and one that was deleted until that is committed.
    paths.dedup();
    for path in paths.iter().filter(|path| found::may_hold_tests(path) && place.root.join(path).is_file()) {
        let text = fs::read_to_string(place.root.join(path))?;
        tests.extend(found::tests(path, &text, &catalogue.kinds()));
    }
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails without: a test for an id that `required` asks for; an entry for an id that a test names; a page that says so.
    #[test]
    fn lo_05_what_is_required_has_tests_every_id_is_known_and_the_page_says_so() {
        if let Err(wrong) = run(std::iter::empty()) {
            panic!("{wrong}");
        }
    }
}
