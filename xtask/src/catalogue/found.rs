//! Tests whose names begin with ids, in the languages that tests of this repository are written in.

use std::collections::BTreeSet;
use std::fmt;

/// A test, and what its name says that it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) name: String,
    /// As the catalogue writes them.
    pub(super) ids: Vec<String>,
    /// Whether its comment names the check without which it fails.
    pub(super) names_check: bool,
}

/// How a test begins to say what it fails without, or when.
const FAILS: &str = "Fails ";

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}", self.path, self.line, self.name)
    }
}

/// A language, by how a test begins in it.
#[derive(Clone, Copy)]
enum Language {
    Rust,
    Script,
    Python,
}

impl Language {
    fn of(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "rs" => Some(Self::Rust),
            "ts" | "mts" | "js" | "mjs" => Some(Self::Script),
            "py" => Some(Self::Python),
            _ => None,
        }
    }

    /// The name of the test that begins on line `at`.
    fn name<'a>(self, lines: &[&'a str], at: usize) -> Option<&'a str> {
        let line = lines[at].trim_start();
        match self {
            Self::Rust => {
                let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
                let name = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?.split('(').next()?;
                is_rust_test(&lines[..at]).then_some(name)
            }
            Self::Script => {
                let call = ["test(", "it("].iter().find_map(|call| line.strip_prefix(call))?;
                let quote = call.chars().next().filter(|c| "\"'`".contains(*c))?;
                call[1..].split(quote).next()
            }
            Self::Python => {
                let line = line.strip_prefix("async ").unwrap_or(line);
                line.strip_prefix("def test_")?.split('(').next()
            }
        }
    }
}

/// Whether the attributes and comments at the end of `lines` make a test of the function that follows, and one that is run.
fn is_rust_test(lines: &[&str]) -> bool {
    let above = lines.iter().rev().map(|line| line.trim());
    let attributes: Vec<&str> = above.take_while(|line| line.starts_with("#[") || line.starts_with("//")).collect();
    let has = |words: &[&str]| attributes.iter().any(|line| words.iter().any(|word| line.starts_with(word)));
    has(&["#[test]", "#[tokio::test"]) && !has(&["#[ignore"])
}

/// Whether the comments at the end of `lines` say what the test that follows fails without.
fn names_check(lines: &[&str]) -> bool {
    let above = lines.iter().rev().map(|line| line.trim());
    let mut above = above.take_while(|line| ["#[", "//", "#"].iter().any(|begin| line.starts_with(begin)));
    above.any(|line| line.contains(FAILS))
}

/// Whether a file of that name is of a language that tests are found in.
pub(super) fn may_hold_tests(path: &str) -> bool {
    Language::of(path).is_some()
}

/// The tests of one file whose names begin with ids of `kinds`.
pub(super) fn tests(path: &str, text: &str, kinds: &BTreeSet<String>) -> Vec<Test> {
    let Some(language) = Language::of(path) else { return Vec::new() };
    let lines: Vec<&str> = text.lines().collect();
    let named = (0..lines.len()).filter_map(|at| Some((at, language.name(&lines, at)?)));
    named
        .map(|(at, name)| Test {
            path: path.to_owned(),
            line: at + 1,
            name: name.to_owned(),
            ids: ids(name, kinds),
            names_check: names_check(&lines[..at]),
        })
        .filter(|test| !test.ids.is_empty())
        .collect()
}

/// `wx_01_13_30_and_rg_40_every_component_...` has WX-01, WX-13, WX-30 and RG-40. What follows is a sentence, in which a kind
/// or a number is one no more.
fn ids(name: &str, kinds: &BTreeSet<String>) -> Vec<String> {
    let mut words = name.split(['_', ' ', '-', ':', ',']).filter(|word| !word.is_empty()).peekable();
    let mut ids = Vec::new();
    while let Some(kind) = words.next_if(|word| kinds.contains(&word.to_lowercase())) {
        let is_number = |word: &&str| word.len() == 2 && word.bytes().all(|b| b.is_ascii_digit());
        while let Some(number) = words.next_if(is_number) {
            ids.push(format!("{}-{number}", kind.to_uppercase()));
        }
        words.next_if_eq(&"and");
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let kinds = ["wx", "rg", "st"].map(str::to_owned).into();
        tests(path, text, &kinds).into_iter().map(|test| (test.line, test.ids.join(" "))).collect()
    }

    fn ids_of(name: &str) -> String {
        found("a.rs", &format!("#[test]\nfn {name}() {{")).into_iter().map(|(_, ids)| ids).collect()
    }

    #[test]
    fn one_name_may_have_ids_of_several_kinds() {
        assert_eq!(ids_of("wx_04_a_tool_reaches_nothing"), "WX-04");
        assert_eq!(ids_of("wx_08_10_11_every_tool_ends"), "WX-08 WX-10 WX-11");
        assert_eq!(ids_of("wx_01_13_and_rg_40_every_component_of_30"), "WX-01 WX-13 RG-40");
        assert_eq!(ids_of("wx_99_is_read_so_that_it_can_be_refused"), "WX-99");
    }

    #[test]
    fn a_test_names_its_check_in_the_comment_above_it() {
        let kinds = ["wx".to_owned()].into();
        let says =
            |text: &str| tests("a.rs", text, &kinds).into_iter().map(|test| test.names_check).collect::<Vec<_>>();
        let (with, without) =
            ("/// Why.\n/// Fails without: it.\n#[test]\nfn wx_01_a() {\n}\n", "#[test]\nfn wx_02_b() {\n}\n");
        assert_eq!(says(&format!("{with}\n{without}")), [true, false]);
        assert_eq!(says(&format!("{without}\n{with}")), [false, true]);
    }

    #[test]
    fn a_sentence_has_no_ids_in_it() {
        for name in ["a_tool_of_wx_04", "wx_is_no_id", "six_04", "wx_4_neither", "wx_100_either", "and_st_01"] {
            assert_eq!(ids_of(name), "", "{name}");
        }
        assert_eq!(ids_of("wx_05_of_st_01"), "WX-05");
    }

    #[test]
    fn a_function_that_is_no_test_or_is_not_run_shows_nothing() {
        assert_eq!(found("a.rs", "fn wx_01_helper() {"), []);
        assert_eq!(found("a.rs", "#[test]\n#[ignore]\nfn wx_01_later() {"), []);
        assert_eq!(found("a.rs", "#[test]\nfn other() {}\n\nfn wx_01_helper() {"), []);
        let text =
            "mod tests {\n    #[tokio::test(flavor = \"multi_thread\")]\n    // Why.\n    async fn wx_01_it_is() {";
        assert_eq!(found("a.rs", text), [(4, "WX-01".to_owned())]);
        assert_eq!(found("a.rs", "    #[test]\n    fn wx_01_of_a_macro(case in any::<u8>()) {").len(), 1);
    }

    #[test]
    fn tests_of_other_languages_are_found() {
        let script =
            "test(\"wx_04 a tool\", () => {\n  it('rg_40_manifest', f);\n  test(`st_01: keys`, f);\n  test(wx_05)";
        let expected = [(1, "WX-04"), (2, "RG-40"), (3, "ST-01")].map(|(line, id)| (line, id.to_owned()));
        assert_eq!(found("a.test.ts", script), expected);
        assert_eq!(found("a.mjs", script), expected);
        let python = "def test_wx_04_a_tool(host):\nasync def test_st_01_keys():\ndef wx_05_helper():";
        assert_eq!(found("a.py", python), expected_two());
        assert_eq!(found("a.md", python), []);
    }

    fn expected_two() -> [(usize, String); 2] {
        [(1, "WX-04".to_owned()), (2, "ST-01".to_owned())]
    }
}
