//! What is wrong with capabilities of the kinds `http` and `files`.

use super::{CRM, errors, refused, refused_crm};

#[test]
fn rg_40_a_key_of_another_kind_is_refused_with_those_of_this_one() {
    refused_crm(
        "redirects = 1",
        "partition = \"user\"",
        &[
            "plugin.toml:15:1: capability.crm.partition: there is no key `partition` here; write one of `kind`, `origin`, `allow`, `secret`, `redirects`, `retries`, or delete it",
        ],
    );
    refused_crm(
        "partition = \"user\"",
        "partition = \"user\"\nkeys = 7",
        &[
            "plugin.toml:20:1: capability.exports.keys: there is no key `keys` here; write one of `kind`, `partition`, `quota`, `files`, or delete it",
        ],
    );
    refused(
        "quota = \"4 MiB\"",
        "origin = \"https://a.example\"",
        &[
            "plugin.toml:15:1: capability.notebook.origin: there is no key `origin` here; write one of `kind`, `partition`, `quota`, `keys`, or delete it",
        ],
    );
    refused_crm(
        "value = \"Bearer {}\"",
        "valeu = \"Bearer {}\"",
        &[
            "plugin.toml:14:58: capability.crm.secret.valeu: there is no key `valeu` here; did you mean `value`? write that, or delete it",
        ],
    );
}

#[test]
fn what_a_capability_needs_has_to_be_there() {
    refused_crm(
        "origin = \"https://api.crm.example\"\nallow = [\"GET /v1/contacts/*\", \"POST /v1/notes\"]\n",
        "",
        &[
            "plugin.toml:10:1: capability.crm.origin: it is missing; write `origin`: an origin such as \"https://api.example.com\" or \"https://*.example.com:8443\"",
            "plugin.toml:10:1: capability.crm.allow: it is missing; write `allow`: a list, each element of which is a method and a path such as \"GET /v1/contacts/*\"",
        ],
    );
    refused_crm(
        "name = \"crm_token\", header = \"authorization\", ",
        "",
        &[
            "plugin.toml:14:10: capability.crm.secret.name: it is missing; write `name`: text: 1 to 64 of a-z, 0-9, - and _, beginning with a letter",
            "plugin.toml:14:10: capability.crm.secret.header: it is missing; write `header`: the name of a header in lower case, such as \"authorization\"",
        ],
    );
    refused_crm(
        "partition = \"user\"\n",
        "",
        &[
            "plugin.toml:17:1: capability.exports.partition: it is missing; write `partition`: one of \"user\", \"shared\"",
        ],
    );
}

#[test]
fn eg_05_eg_24_eg_25_an_origin_that_is_none_is_refused_with_what_would_be() {
    for (origin, expected) in [
        ("api.crm.example", "`api.crm.example` has no scheme; write an origin such as `https://api.example.com`"),
        ("ftp://crm.example", "`ftp` is not a scheme that requests are sent by; write `https` or `http`"),
        (
            "https://crm.example/",
            "`https://crm.example/` goes on after its host; an origin ends there: take the rest away (an http capability has paths in `allow`)",
        ),
        (
            "https://*crm.example",
            "`*crm.example` has a `*` that is not a whole first label; write a name, or `*.example.com` for each name with exactly one label more",
        ),
        (
            "https://*.example",
            "`*.example` is a wildcard over a single label; write the hosts one by one, or a wildcard under a name of your own",
        ),
        (
            "https://*.co.uk",
            "`*.co.uk` is a wildcard over a public suffix, where anybody can have a name; write the hosts one by one, or a wildcard under a name of your own",
        ),
        (
            "https://bücher.example",
            "the host `bücher.example` is not ASCII; write an international name in its `xn--` form",
        ),
        (
            "https://crm.example:0443",
            "the port `0443` is not 1 to 65535 in plain digits; write it so, or leave out `:` for the scheme's own port",
        ),
        (
            "https://10.0.0.1",
            "the last label of the host `10.0.0.1` begins with a digit, as in an address; grants are for names: write one",
        ),
    ] {
        let text = CRM.replacen("https://api.crm.example", origin, 1);
        assert_eq!(errors(&text), [format!("plugin.toml:12:10: capability.crm.origin: {expected}")]);
    }
    refused_crm(
        "origin = \"https://api.crm.example\"",
        "origin = [\"https://api.crm.example\"]",
        &[
            "plugin.toml:12:10: capability.crm.origin: this is a list; write an origin such as \"https://api.example.com\" or \"https://*.example.com:8443\"",
        ],
    );
}

#[test]
fn eg_30_a_rule_that_is_none_is_refused_where_it_stands() {
    for (rule, expected) in [
        ("/v1/me", "`/v1/me` is not a method and a path with one space between; write it as `GET /v1/contacts/*`"),
        ("CONNECT /v1", "`CONNECT` is not a method that is sent; write GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS"),
        ("GET v1", "the path `v1` does not begin with `/`"),
        (
            "GET /v1/a*",
            "the path `/v1/a*` has a `*` that is not a whole segment, or a `**` that is not the last; write `/a/*` for one segment and `/a/**` for one or more",
        ),
    ] {
        let text = CRM.replacen("POST /v1/notes", rule, 1);
        assert_eq!(errors(&text), [format!("plugin.toml:13:32: capability.crm.allow[2]: {expected}")]);
    }
}

#[test]
fn nothing_listed_too_much_listed_and_twice_listed_are_refused() {
    refused_crm(
        "[\"GET /v1/contacts/*\", \"POST /v1/notes\"]",
        "[]",
        &[
            "plugin.toml:13:9: capability.crm.allow: nothing is listed here, so nothing would be allowed; write a method and a path such as \"GET /v1/contacts/*\"",
        ],
    );
    refused_crm(
        "\"POST /v1/notes\"",
        "\"GET /v1/contacts/*\"",
        &["plugin.toml:13:32: capability.crm.allow[2]: `GET /v1/contacts/*` is listed twice; write it once"],
    );
    let rules = |count: usize| {
        let rules: Vec<String> = (0..count).map(|at| format!("\"GET /v1/{at}\"")).collect();
        CRM.replacen("\"GET /v1/contacts/*\", \"POST /v1/notes\"", &rules.join(", "), 1)
    };
    assert_eq!(errors(&rules(64)), [""; 0]);
    let expected = "plugin.toml:13:9: capability.crm.allow: there are 65 and at most 64 are allowed; write fewer";
    assert_eq!(errors(&rules(65)), [expected]);
}

#[test]
fn eg_11_a_secret_goes_over_tls_and_to_one_origin_only() {
    refused_crm(
        "https://api.crm.example",
        "http://api.crm.example",
        &[
            "plugin.toml:14:10: capability.crm.secret: `secret` with the origin `http://api.crm.example`: a secret is sent over TLS only; write `https://`",
        ],
    );
    refused_crm(
        "https://api.crm.example",
        "https://*.crm.example",
        &[
            "plugin.toml:14:10: capability.crm.secret: `secret` with the origin `https://*.crm.example`: a secret is bound to one origin; write the host without `*`",
        ],
    );
}

#[test]
fn eg_10_a_secret_goes_into_one_header_that_may_hold_it() {
    for (from, to, expected) in [
        (
            "\"authorization\"",
            "\"Authorization\"",
            "41: capability.crm.secret.header: `Authorization` is not a header name in lower case: 1 to 64 of a-z, 0-9 and -, beginning with a letter",
        ),
        (
            "\"authorization\"",
            "\"host\"",
            "41: capability.crm.secret.header: the header `host` is the host's to write; choose another, for example `authorization`",
        ),
        (
            "\"Bearer {}\"",
            "\"Bearer\"",
            "66: capability.crm.secret.value: `Bearer` does not have exactly one `{}` and no other brace; write it where the secret goes: `Bearer {}`",
        ),
        (
            "\"Bearer {}\"",
            "\"Bearer\\n{}\"",
            "66: capability.crm.secret.value: `Bearer\\u{a}{}` has characters that a header value can't have: write visible ASCII, with spaces only inside, for example `Bearer {}`",
        ),
        (
            "\"crm_token\"",
            "\"CRM\"",
            "19: capability.crm.secret.name: `CRM` is not allowed; write text: 1 to 64 of a-z, 0-9, - and _, beginning with a letter",
        ),
        (
            "\"crm_token\"",
            "7",
            "19: capability.crm.secret.name: this is a whole number; write text: 1 to 64 of a-z, 0-9, - and _, beginning with a letter",
        ),
    ] {
        let text = CRM.replacen(from, to, 1);
        assert_eq!(errors(&text), [format!("plugin.toml:14:{expected}")]);
    }
    refused_crm(
        "{ name = \"crm_token\", header = \"authorization\", value = \"Bearer {}\" }",
        "\"crm_token\"",
        &["plugin.toml:14:10: capability.crm.secret: this is text; write a table"],
    );
}

#[test]
fn eg_06_amounts_of_a_capability_are_refused_beyond_their_edges() {
    refused_crm(
        "redirects = 1",
        "redirects = 4\nretries = 4",
        &[
            "plugin.toml:15:13: capability.crm.redirects: `redirects` is 4 and its maximum is 3; write at most that",
            "plugin.toml:16:11: capability.crm.retries: `retries` is 4 and its maximum is 3; write at most that",
        ],
    );
    assert_eq!(errors(&CRM.replace("redirects = 1", "redirects = 3\nretries = 3")), [""; 0]);
    refused_crm(
        "partition = \"user\"",
        "partition = \"user\"\nquota = 1023\nfiles = 10_001",
        &[
            "plugin.toml:20:9: capability.exports.quota: `quota` is 1023 B and its minimum is 1 KiB; write at least that",
            "plugin.toml:21:9: capability.exports.files: `files` is 10001 and its maximum is 10000; write at most that",
        ],
    );
    assert_eq!(
        errors(&CRM.replace("partition = \"user\"", "partition = \"user\"\nquota = 1024\nfiles = 10_000")),
        [""; 0]
    );
}
