//! Shutting out, from the command line.

use portcullis_tests::Home;
use serde_json::Value;

/// The entries, newest first, without who and when.
fn listed(home: &Home) -> Vec<[String; 3]> {
    let entries: Vec<Value> = serde_json::from_str(&home.must(["denied", "--json"])).expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    entries.iter().map(|entry| ["kind", "issuer", "value"].map(|name| text(&entry[name]))).collect()
}

#[test]
fn au_25_who_is_shut_out_stays_so_until_taken_back_whether_or_not_a_host_runs() {
    let home = Home::new();
    assert_eq!(home.must(["denied"]), "nobody is shut out\n");
    let issuer = "https://login.example.com";
    let printed = home.must(["deny", "--subject", "ann", "--issuer", issuer]);
    assert_eq!(printed, "shut out: subject ann of https://login.example.com\n");
    let served = home.serve();
    home.must(["deny", "--issued-before", "1000"]);
    let expected = [["issued", "", "1000"], ["subject", issuer, "ann"]].map(|entry| entry.map(str::to_owned));
    assert_eq!(listed(&home), expected);
    drop(served);
    assert_eq!(listed(&home), expected);
    home.run(["allow", "--subject", "ann"]).is(1, &["no such entry", "`portcullis denied`"]);
    home.must(["allow", "--subject", "ann", "--issuer", issuer]);
    assert_eq!(listed(&home), expected[..1]);
    home.run(["deny", "--issued-before", "1795000000000"]).is(1, &["in the future", "milliseconds"]);
    home.run(["deny", "--issued-before", "yesterday"]).is(1, &["`yesterday` is no time"]);
    home.run(["deny"]).is(2, &["--subject"]);
    home.run(["deny", "--subject", "a", "--token", "b"]).is(2, &["--token"]);
    let audit = home.must(["audit"]);
    assert!(audit.contains("  deny  ") && audit.contains("  allow  ") && !audit.contains("ann"), "{audit}");
}
