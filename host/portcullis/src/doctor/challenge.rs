//! `WWW-Authenticate`, as a client reads it (RFC 9110 section 11.6.1).

use std::collections::BTreeMap;

/// The parameters of the first `Bearer` challenge of these header values, names in lower case.
pub(super) fn bearer<'a>(values: impl Iterator<Item = &'a str>) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    for value in values {
        let mut inside = false;
        for item in items(value) {
            let name = item.find(['=', ' ']).map_or(item, |end| &item[..end]);
            let rest = item[name.len()..].trim_start();
            let parameter = match rest.strip_prefix('=') {
                Some(value) => Some((name, value)),
                // A scheme begins another challenge; its first parameter may stand behind it.
                None if found.is_some() => return found,
                None => {
                    inside = name.eq_ignore_ascii_case("bearer");
                    found = inside.then(BTreeMap::new);
                    rest.split_once('=')
                }
            };
            if let (true, Some((name, value)), Some(found)) = (inside, parameter, &mut found) {
                found.insert(name.trim().to_ascii_lowercase(), unquoted(value.trim()));
            }
        }
        if found.is_some() {
            return found;
        }
    }
    found
}

/// What stands between commas that are in no quotes.
fn items(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let split = value.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == ',' && !quoted
    });
    split.map(str::trim).filter(|item| !item.is_empty())
}

fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut plain = String::with_capacity(inside.len());
    let mut characters = inside.chars();
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Option<Vec<String>> {
        let found = bearer(values.iter().copied())?;
        Some(found.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    }

    #[test]
    fn the_bearer_challenge_is_found_among_others() {
        for (values, expected) in [
            (&["Bearer"][..], Some(&[][..])),
            (&["bearer realm=x"], Some(&["realm=x"])),
            (
                &["Bearer resource_metadata=\"https://h/a,b\", scope=\"a b\""],
                Some(&["resource_metadata=https://h/a,b", "scope=a b"]),
            ),
            (&["Basic realm=\"a, b\", Bearer Scope = \"x\\\"y\""], Some(&["scope=x\"y"])),
            (&["Basic", "Bearer a=b"], Some(&["a=b"])),
            (&["Bearer a=b, Basic realm=c"], Some(&["a=b"])),
            (&["Negotiate, Basic realm=x"], None),
            (&[""], None),
            (&[], None),
        ] {
            let expected = expected.map(|it| it.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(read(values), expected, "{values:?}");
        }
    }
}
