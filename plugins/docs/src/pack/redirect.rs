//! Whether the widget may open what it shows: its links lead to the base of the pages, and clients open those origins alone that
//! the manifest lists.

use super::Error;

/// Holds `redirect` of the widgets in this manifest against the base. Without any `redirect` there is no widget with links.
///
/// # Errors
/// [`Error::Redirect`].
pub fn check_redirect(manifest: &str, base_url: &str) -> Result<(), Error> {
    let origin = origin(base_url);
    for listed in redirects(manifest) {
        if !listed.iter().any(|one| one.eq_ignore_ascii_case(&origin)) {
            return Err(Error::Redirect(listed, origin));
        }
    }
    Ok(())
}

/// Scheme, host and port.
fn origin(base_url: &str) -> String {
    let (scheme, rest) = base_url.split_once("://").unwrap_or(("", base_url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest).to_ascii_lowercase();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    format!("{scheme}://{}", host.strip_suffix(usual).unwrap_or(&host))
}

/// What each `redirect = [...]` lists. The host reads the manifest in earnest; this only has to find the texts of one list.
fn redirects(manifest: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = manifest.lines().map(|line| line.trim()).filter(|line| !line.starts_with('#')).collect();
    let text = lines.join("\n");
    let value = |(at, _): (usize, &str)| {
        let begins = at == 0 || text[..at].ends_with('\n');
        let rest = text[at + "redirect".len()..].trim_start().strip_prefix('=')?.trim_start().strip_prefix('[')?;
        begins.then(|| rest.split(']').next().unwrap_or(rest))
    };
    let list = |value: &str| value.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect();
    text.match_indices("redirect").filter_map(value).map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_would_not_open_are_refused_with_what_to_write() {
        let error = check_redirect("redirect = [\"https://docs.example\"]", "https://handbook.example/x/").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the pages are at https://handbook.example, and the widget's `redirect` in plugin.toml lists https://docs.example: \
             its links would not open; write redirect = [\"https://handbook.example\"]"
        );
        let error = check_redirect("redirect = []", "https://handbook.example/").unwrap_err();
        assert!(error.to_string().contains("lists nothing"), "{error}");
    }

    #[test]
    fn origins_are_compared_and_not_addresses() {
        let manifest = "# redirect = [\"https://no.example\"]\n[[widget]]\nredirect = [\n  'https://a.example',\n  \
                        \"https://b.example:8443\",\n]\nsome_redirect = [\"x\"]\n";
        for base in ["https://a.example/", "https://A.example:443/docs/", "https://b.example:8443/"] {
            assert!(check_redirect(manifest, base).is_ok(), "{base}");
        }
        for base in ["https://no.example/", "https://b.example/", "http://a.example/"] {
            assert!(check_redirect(manifest, base).is_err(), "{base}");
        }
        assert!(check_redirect("[plugin]\nname = \"docs\"\n", "https://x.example/").is_ok());
    }
}
